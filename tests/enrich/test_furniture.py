"""Lines of sites' own controls and of picture agencies: what goes, and what only looks like them."""

import pytest

from services.enrich.steps.furniture import is_furniture
from services.enrich.steps.picture_credits import is_credit
from services.enrich.steps.site_controls import is_date


@pytest.mark.parametrize(
    "line",
    [
        "Click to share on Facebook (Opens in new window)", "Share on Twitter", "Share this article",
        "Tweet this",
        "Email this to a friend", "Copy link", "Follow Fjord Post on Facebook", "Follow Ann Lee on X @annlee",
        "Download our app", "Download the Fjord Post app for breaking news",
        "Advertisement - scroll to continue", "Continue reading", "Read the full story",
        "Tap here to subscribe",
        "Loading...", "5-minute read", "Support our journalism",
        "Support independent journalism. Donate today.",
        "Report a typo", "Terms of use", "Privacy policy", "Cookie settings", "Log in", "Sign in or register",
        "Log in to comment", "You must be logged in to post a comment.",
        "Your email address will not be published. Required fields are marked *",
        "Leave a Reply Cancel reply",
        "Notify me of new posts by email.", "Reader comments",
        "Have something to say? Share your thoughts in the comments.",
        "Got a story? Email us at news@fjord.example", "Contact us at tips@fjord.example", "View gallery",
        "Image 1 of 5", "1 of 5", "Hide caption", "Enlarge this image", "Paid content",
        "Printed from fjord.example",
        "With inputs from agencies", "(With inputs from PTI)",
        "(This story has not been edited by our staff and is auto-generated from a syndicated feed.)",
        "Posted in News", "Filed under Business, World", "Last updated: 4 March 2024 10:32",
        "Published: 4 March 2024", "Updated 2 hours ago", "Posted on Mar 4, 2024 at 3:15 p.m. EST",
        "Share this · Copy link · Facebook",
    ],
)  # fmt: skip
def test_a_line_of_the_sites_controls_is_furniture(line: str) -> None:
    assert is_furniture(line)


@pytest.mark.parametrize(
    "line",
    [
        "Share prices fell 4% in Frankfurt", "Share it with the poor, the bishop said",
        "Facebook fined €1.2bn",
        "Follow the money on election night, she said", "Follow the vote on Facebook said police",
        "Download speeds rose by half", "Continue reading the small print, he advised.",
        "Click fraud cost $2m",
        "Support for the party fell to 20%", "Support our troops, the banner said",
        "Donate blood, hospitals urge", "Report an error of judgment, the judge told them",
        "Terms of the deal were not disclosed", "Log in Bergen harbour sinks boat",
        "Register of interests is due",
        "Email leak sinks minister", "Tweet that cost a career", "Loading of the ship took nine hours",
        "1 of 5 Norwegians lives alone", "Enlarge the harbour, business leaders say",
        "Expand NATO, says Norway",
        "Published in 1994, the book sold out.", "Updated figures are due on Monday",
        "Posted in Kabul, he wrote.",
        "Comment: why the dam will hold", "Sponsored by the king, the fleet left Bergen",
        "Got a story? Everybody in Bergen has one.", "What's next", "Photo finish in Oslo",
    ],
)  # fmt: skip
def test_a_line_of_news_is_no_furniture(line: str) -> None:
    assert not is_furniture(line)


@pytest.mark.parametrize(
    "line",
    [
        "AP Photo/Ann Lee", "(AP Photo/Ann Lee, File)", "[Ann Lee/AFP]", "(Ann Lee/Reuters)",
        "Reuters/Ann Lee",
        "Getty Images", "Ann Lee/AFP via Getty Images", "Ann Lee via AP", "-- AFP", "Photo: Ann Lee/NTB",
        "FILE PHOTO: A dam in Bergen, Norway. REUTERS/Ann Lee", "Photo: courtesy of the family.",
        "Credit: Ann Lee", "Image: Ann Lee (left) and others",
    ],
)  # fmt: skip
def test_a_line_that_only_names_who_took_a_picture_is_a_credit(line: str) -> None:
    assert is_credit(line)


@pytest.mark.parametrize(
    "line",
    [
        "Getty Images sued the firm", "Reuters won two prizes", "AFP journalists were held for a day",
        "AP", "Reuters", "The photo by Ann Lee won a prize.", "Video games are sold out",
        "Picture the scene.",
        "He flew to Oslo/Gardermoen on Monday", "He arrived via Reuters House in London",
    ],
)  # fmt: skip
def test_a_line_of_news_is_no_credit(line: str) -> None:
    assert not is_credit(line)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("4 March 2024", True), ("2024-03-04 10:32 GMT", True), ("2 hours ago", True),
        ("Mar. 4th, 10.32 a.m.", True),
        ("Monday", False), ("The Bergen Post", False), ("1994 and 1995", False), ("", False),
        ("4 " * 50, False),
    ],
)  # fmt: skip
def test_a_date_has_a_number_and_no_other_words(text: str, is_one: bool) -> None:
    assert is_date(text) is is_one
