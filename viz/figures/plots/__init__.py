"""Charts of the app: records to plotly figures and Vega-Lite specifications, without Streamlit."""
