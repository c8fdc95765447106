"""What a reader sees before the scripts of the page have come, and what is left of it after."""

from playwright.sync_api import Page, expect

NAME = "#first-paint"


def test_the_name_is_there_without_any_script_and_leaves_as_the_page_comes(
    page: Page, app_url: str
) -> None:
    page.route("**/*.js", lambda route: route.abort())
    page.goto(app_url)
    name = page.locator(NAME)
    expect(name).to_have_text("CLSight")
    expect(name).to_be_visible()
    expect(page).to_have_title("CLSight")
    page.unroute("**/*.js")
    page.goto(app_url)
    title = page.get_by_role("heading", name="CLSight")
    expect(title).to_be_visible()
    expect(name).to_be_hidden()
    expect(page.get_by_role("link", name="Faithfulness")).to_be_visible()


def test_the_name_stands_where_the_title_will_be(page: Page, app_url: str) -> None:
    for width in (390, 900, 1280, 1920):
        page.set_viewport_size({"width": width, "height": 700})
        page.route("**/*.js", lambda route: route.abort())
        page.goto(app_url)
        before = page.evaluate(
            f"""() => {{
              const range = document.createRange();
              range.selectNode(document.querySelector("{NAME}").lastChild);
              const {{ left, top }} = range.getBoundingClientRect();
              return [left, top];
            }}"""
        )
        page.unroute("**/*.js")
        page.goto(app_url)
        # The title comes to its place with the controls beside it.
        page.wait_for_function(
            """([left, top]) => {
              const title = document.querySelector("h1")?.getBoundingClientRect();
              return title && Math.abs(title.left - left) < 2 && Math.abs(title.top - top) < 4;
            }""",
            arg=before,
        )
