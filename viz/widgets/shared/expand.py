"""The markup that lets a picture fill the screen; `expand.js` moves it there and back."""

ENLARGE_BUTTON = """<button class="tool enlarge" data-testid="enlarge">
          <svg class="grow" viewBox="0 0 16 16" aria-hidden="true"><path
            d="M9.5 2.5h4v4M13 3 9.2 6.8M6.5 13.5h-4v-4M3 13l3.8-3.8"/></svg>
          <svg class="shut" viewBox="0 0 16 16" aria-hidden="true"><path
            d="m3.5 3.5 9 9m0-9-9 9"/></svg>
        </button>"""
"""A quiet button for the end of a row of tools."""

DIALOG = '<dialog class="screen" data-testid="screen"></dialog>'
"""Stands behind the stage, inside the root."""
