"""The report of an audit, as one HTML file and as PDF.

`content` makes a `Document` of an audit; `html_page` and `pdf_pages` only lay it out, so that both
hold the same.
"""
