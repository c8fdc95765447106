"""What a browser shows until the scripts of the page are there: the name of the app, in its place.

Streamlit answers with an empty page, and a megabyte of scripts that draw it.  A reader would see
nothing for one or two seconds, and a tab called Streamlit.
"""

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from viz.colors import DARK, LIGHT

TITLE = (b"<title>Streamlit</title>", b"<title>CLSight</title>")
ROOT = b'<div id="root"></div>'
"""Where Streamlit draws."""
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
    font: 700 28px/1.2 "Source Sans", sans-serif; color: {LIGHT.ink};
  }}
  @media (min-width: 864px) {{ #first-paint {{ padding-inline: 5rem; }} }}
  @media (prefers-color-scheme: dark) {{
    html:has(#root:empty) {{ background: {DARK.ground}; }}
    #first-paint {{ color: {DARK.ink}; }}
  }}
  #root:has(h1, [data-testid="stException"], [data-testid="stAlert"], [role="dialog"])
    + #first-paint {{ display: none; }}
}}
"""
FIRST_PAINT = f'<div id="first-paint" aria-hidden="true"><style>{STYLE}</style>CLSight</div>'
CONDITIONS = (b"accept-encoding", b"if-none-match", b"if-modified-since", b"range")
"""Headers by which a browser gets less than the whole page, or a compressed one."""
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
        opens_page = scope["type"] == "http" and scope["method"] == "GET"
        if not (opens_page and "text/html" in Headers(scope=scope).get("accept", "")):
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


def _is_page(message: Message) -> bool:
    headers = Headers(raw=message["headers"])
    return message["status"] == 200 and headers.get("content-type", "").startswith("text/html")
