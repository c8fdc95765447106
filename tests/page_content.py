"""What a page shows, as AppTest sees it: texts, and what our components are sent."""

import json
from typing import Any, cast

from streamlit.testing.v1 import AppTest


def page_text(app: AppTest) -> str:
    """Every heading, caption and paragraph on the page, and what its components are sent."""
    texts = [str(e.value) for e in [*app.title, *app.subheader, *app.caption, *app.markdown]]
    return "\n".join(
        [*texts, *(str(component_data(app, name)) for name in ("colored-text", "bars"))]
    )


def payload_of(proto: Any) -> dict[str, Any]:
    """What a component of ours is sent."""
    (payload,) = json.loads(proto.json)
    return cast("dict[str, Any]", payload)


def component_data(app: AppTest, name: str, index: int = 0) -> dict[str, Any]:
    """What a component of ours is sent, of several the one at a place; empty where it is not on the
    page."""
    mounted = [element.proto for element in app.get("bidi_component")]
    data = [payload_of(p) for p in mounted if p.component_name == f"clsight-{name}"]
    return data[index] if data else {}


def link_of(app: AppTest) -> dict[str, str]:
    """The parameters of the link to what the page shows."""
    parameters = app.query_params.items()
    return {name: each[-1] if isinstance(each, list) else each for name, each in parameters}
