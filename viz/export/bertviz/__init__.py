"""BertViz of a reading, as one HTML file that needs no network."""
