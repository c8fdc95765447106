"""A reader of the app who goes back."""

from collections.abc import Callable, Mapping

import pytest
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext
from streamlit.testing.v1 import AppTest

from viz.app import link

GoBack = Callable[[AppTest, Mapping[str, str]], AppTest]


@pytest.fixture
def go_back(monkeypatch: pytest.MonkeyPatch) -> GoBack:
    """Run a page as a browser does that shows a link of before again."""

    def revisited(**_: bool) -> ScriptRunContext | None:
        context = get_script_run_ctx(suppress_warning=True)
        if context is not None:
            context.is_history_navigation = True
        return context

    def run(app: AppTest, before: Mapping[str, str]) -> AppTest:
        app.query_params.clear()
        app.query_params.update(before)
        with monkeypatch.context() as patch:
            patch.setattr(link, "get_script_run_ctx", revisited)
            app.run()
        assert not app.exception
        return app

    return run
