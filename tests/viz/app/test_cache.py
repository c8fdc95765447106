"""Results that are kept: the latest ones, by number or size, each made once."""

import threading

from viz.app.cache import LRUCache


def test_of_too_many_results_those_asked_for_longest_ago_go() -> None:
    cache = LRUCache(2)
    assert [cache.add(name, name.upper()) for name in "ab"] == ["A", "B"]
    assert cache.get("a") == "A"
    cache.add("c", "C")
    assert [cache.get(name) for name in "abc"] == ["A", None, "C"]


def test_of_too_much_what_was_asked_for_longest_ago_goes_but_never_all() -> None:
    cache = LRUCache(5, lambda result: len(str(result)))
    for name in ("a", "bb", "ccc"):
        cache.add(name, name)
    assert [cache.get(name) for name in ("a", "bb", "ccc")] == [None, "bb", "ccc"]
    cache.add("long", "longer than all")
    assert [cache.get(name) for name in ("bb", "ccc", "long")] == [None, None, "longer than all"]
    cache.clear()
    assert cache.get("long") is None
    assert cache.size == 0


def test_of_those_who_ask_at_once_one_works() -> None:
    cache, go, made = LRUCache(2), threading.Event(), []

    def make() -> str:
        go.wait(10)
        made.append(1)
        return "done"

    found: list[str] = []
    askers = [
        threading.Thread(target=lambda: found.append(cache.get_or_compute("question", make)))
        for _ in range(3)
    ]
    for asker in askers:
        asker.start()
    go.set()
    for asker in askers:
        asker.join(10)
    assert found == ["done"] * 3
    assert made == [1]


def test_what_could_not_be_made_is_made_by_the_next_who_asks() -> None:
    cache = LRUCache(2)

    def fail() -> str:
        raise KeyboardInterrupt

    for _ in range(2):
        try:
            cache.get_or_compute("question", fail)
        except KeyboardInterrupt:
            continue
    assert cache.get_or_compute("question", lambda: "done") == "done"


def test_what_is_removed_is_made_again() -> None:
    cache = LRUCache(2)
    cache.add("one", 1)
    cache.remove("one")
    cache.remove("other")
    assert cache.get("one") is None
    assert cache.get_or_compute("one", lambda: 2) == 2
