"""What a browser shows until the scripts of the page are there: the name of the app, in its place.

Streamlit answers with an empty page, and a megabyte of scripts that draw it.  A reader would see
nothing for one or two seconds, and a tab called Streamlit.
"""

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from viz.colors import DARK, LIGHT, Palette, rgb

TITLE = (b"<title>Streamlit</title>", b"<title>CLSight</title>")
ROOT = b'<div id="root"></div>'
"""Where Streamlit draws."""


def _difference(palette: Palette) -> str:
    """The color that gives the ink of a theme where it is blended with the ground."""
    pairs = zip(rgb(palette.ink), rgb(palette.ground), strict=True)
    ground_is_light = sum(rgb(palette.ground)) > sum(rgb(palette.ink))
    parts = (ground - ink if ground_is_light else min(255, ink + ground) for ink, ground in pairs)
    return "#" + "".join(f"{part:02x}" for part in parts)


# The place and size of the title of every page, as page.css and Streamlit have them.  It leaves as
# soon as the page has a title of its own, or something to say in its place; a browser that can't
# tell never shows it.
STYLE = f"""
#first-paint {{ display: none; }}
@supports selector(:has(h1)) {{
  html:has(#root:empty) {{ background: {LIGHT.ground}; color-scheme: light dark; }}
  #first-paint {{
    display: block; position: fixed; inset: 0; pointer-events: none;
    max-width: 1360px; box-sizing: border-box; margin: 0 auto; padding: 68.8px 1rem 0;
    font: 700 28px/1.2 "Source Sans", sans-serif;
    /* The ink of either theme is its difference from the ground, whichever the reader chose. */
    mix-blend-mode: difference; color: {_difference(LIGHT)};
  }}
  @media (max-width: 979px) {{ #first-paint {{ padding-top: 40px; }} }}
  @media (min-width: 864px) {{ #first-paint {{ padding-inline: 5rem; }} }}
  @media (prefers-color-scheme: dark) {{
    html:has(#root:empty) {{ background: {DARK.ground}; }}
    #first-paint {{ color: {_difference(DARK)}; }}
  }}
  @media (scripting: none) {{ #first-paint {{ display: none; }} }}
  #root:has(h1, [data-testid="stException"], [data-testid="stAlert"], [role="dialog"])
    + #first-paint {{ display: none; }}
}}
"""
FIRST_PAINT = f'<div id="first-paint" aria-hidden="true"><style>{STYLE}</style>CLSight</div>'
CONDITIONS = (b"accept-encoding", b"if-none-match", b"if-modified-since", b"range")
"""Headers by which a browser gets less than the whole page, or a compressed one."""
FILES = ("/_stcore/", "/component/", "/media/", "/static/")
"""Folders of what is not a page, wherever the app's address begins."""
VALIDATORS = ("etag", "last-modified")
"""Headers that say which version of Streamlit's page it is, which isn't this one."""


class FirstPaint:
    """Puts the name of the app into the empty page that an ASGI app answers with.

    Args:
        app: Streamlit's app.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Change the answer to a browser that opens a page; pass on all else."""
        if not _opens_page(scope):
            await self._app(scope, receive, send)
            return
        request_headers = [
            (name, value) for name, value in scope["headers"] if name not in CONDITIONS
        ]
        start: Message | None = None
        body = b""

        async def send_page(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start" and _is_page(message):
                start = message
            elif message["type"] != "http.response.body" or start is None:
                await send(message)
            elif message.get("more_body"):
                body += message["body"]
            else:
                whole = with_first_paint(body + message.get("body", b""))
                headers = MutableHeaders(raw=start["headers"])
                headers["content-length"] = str(len(whole))
                headers.add_vary_header("Accept")
                for name in VALIDATORS:
                    del headers[name]
                await send(start)
                await send({**message, "body": whole})

        await self._app({**scope, "headers": request_headers}, receive, send_page)


def with_first_paint(page: bytes) -> bytes:
    """The page with the name of the app in it; as it was where it isn't Streamlit's empty page."""
    if page.count(ROOT) != 1:
        return page
    return page.replace(*TITLE, 1).replace(ROOT, ROOT + FIRST_PAINT.encode())


def _opens_page(scope: Scope) -> bool:
    """Whether a browser asks for something to show in a tab that isn't one of Streamlit's files."""
    return (
        scope["type"] == "http"
        and scope["method"] == "GET"
        and "text/html" in Headers(scope=scope).get("accept", "")
        and not any(folder in scope["path"] for folder in FILES)
    )


def _is_page(message: Message) -> bool:
    headers = Headers(raw=message["headers"])
    return message["status"] == 200 and headers.get("content-type", "").startswith("text/html")
