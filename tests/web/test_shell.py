"""The page shells: what of the navigation is shown to whom, and what every page says about where it is."""

import json
import re

import pytest

from tests.web.conftest import Site

ERRORS = ("400", "403", "404", "405", "413", "429", "500", "503", "csrf")
EVALUATION, SAMPLE = "Evaluation mode.", "Sample tenant."


def names(page: str) -> list[str]:
    """The links of the main navigation, in their order."""
    main = page.split('aria-label="Main"')[1].split("</nav>")[0]
    return re.findall(r'data-name="([^"]+)"', main)


def test_a_person_sees_links_to_what_their_capabilities_open(site: Site) -> None:
    assert names(site.get("/?can=ledger.read").text) == ["Overview", "Explorer", "Verify"]
    assert names(site.get("/?can=member.read,sso.manage").text) == [
        "Overview",
        "Members",
        "Roles",
        "Groups",
        "Sign-in",
    ]


def test_a_heading_without_links_is_not_shown(site: Site) -> None:
    page = site.get("/?can=").text
    assert names(page) == ["Overview"]
    assert "Settings</h2>" not in page


def test_a_page_that_is_not_installed_has_no_link(site: Site) -> None:
    assert "Audit trail" not in site.get("/").text


def test_the_link_of_the_page_itself_is_marked(site: Site) -> None:
    main = site.get("/").text.split('aria-label="Main"')[1].split("</nav>")[0]
    assert re.findall(r'aria-current="page" data-name="([^"]+)"', main) == ["Explorer"]


def test_the_palette_offers_what_the_navigation_offers(site: Site) -> None:
    def offered(query: str) -> dict[str, object]:
        page = site.get(query).text
        return json.loads(page.split('id="palette-places">')[1].split("</script>")[0])

    few = offered("/?can=member.read")
    assert "Members" in [place["label"] for place in few["places"]]
    assert few["find"] is None
    assert offered("/?can=ledger.read")["find"] == "/"


def test_somebody_unknown_sees_neither_navigation_nor_palette(site: Site) -> None:
    page = site.get("/?as=nobody").text
    assert 'aria-label="Main"' not in page
    assert "palette-places" not in page
    assert "Sign out" not in page


@pytest.mark.parametrize("target", ["/", "/shell/account_sample?", "/shell/plain_sample?"])
def test_every_shell_says_that_it_is_an_evaluation_and_a_sample(site: Site, target: str) -> None:
    assert EVALUATION in site.get(target).text
    assert SAMPLE not in site.get(target).text
    assert SAMPLE in site.get(f"{target}{'' if '?' in target else '?'}&sample=1").text


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_page_says_what_happened_and_what_to_do(site: Site, name: str) -> None:
    page = site.get(f"/shell/{name}").text
    assert page.count("<h1>") == 1
    assert "What to do:" in page
    assert EVALUATION in page
    assert "Traceback" not in page


@pytest.mark.parametrize("cookie", ["theme=dark", "theme=light"])
def test_the_chosen_theme_is_drawn_at_once(site: Site, cookie: str) -> None:
    assert f'data-theme="{cookie.split("=")[1]}"' in site.get("/", {"Cookie": cookie}).text


@pytest.mark.parametrize("cookie", ["theme=", 'theme="><script>', "theme=blue", 'nav=x" onload="1'])
def test_a_cookie_that_is_none_of_the_choices_is_left_aside(site: Site, cookie: str) -> None:
    page = site.get("/", {"Cookie": cookie}).text
    assert '<html lang="en" data-theme="auto" data-nav="open">' in page


def test_forms_and_requests_carry_a_token(site: Site) -> None:
    page = site.get("/").text
    assert re.search(r'<meta name="csrf-token" content="[A-Za-z0-9]{64}">', page)


def test_htmx_neither_evaluates_nor_stores_pages(site: Site) -> None:
    found = re.search(r"name=\"htmx-config\" content='([^']+)'", site.get("/").text)
    assert found
    config = json.loads(found.group(1))
    assert config["allowEval"] is False
    assert config["allowScriptTags"] is False
    assert config["selfRequestsOnly"] is True
    assert config["historyCacheSize"] == 0
