"""Which heads matter, as a reader asks for it."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import App

TEXT = "Oil prices rise as stocks fall, the market was not good."


def test_heads_are_silenced_on_demand_and_the_numbers_can_be_saved(app: App) -> None:
    app.open(text=TEXT)
    maps = app.page.locator(".stPlotlyChart")
    expect(maps).to_have_count(0)
    app.page.get_by_text("Which heads matter").click()
    expect(maps).to_have_count(1)
    app.page.get_by_role("button", name=re.compile("Switch off each head")).click()
    expect(maps).to_have_count(2)
    expect(app.page.get_by_text("rank correlation")).to_be_visible()
    app.settle()
    with app.page.expect_download() as download:
        app.page.get_by_role("button", name="CSV", exact=True).click()
    assert download.value.suggested_filename == "heads.csv"
    header = download.value.path().read_text("utf-8").splitlines()[0]
    assert header == "layer,head,gradient,gradient_size,ablation,ablation_size"
