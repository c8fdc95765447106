"""The equations between the ids of a text and its class, with the numbers of one reading."""
