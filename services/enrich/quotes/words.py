"""The words of attribution: verbs that report speech, and the small words around them."""

from __future__ import annotations

from typing import Final, Literal

# What a verb lets follow: `say` a bare clause, `tell` a listener and then a clause, `claim` a clause with
# "that" or one that plainly begins, `ask` a question, `utter` words in marks only, `call` a name for a thing.
CueKind = Literal["say", "tell", "claim", "ask", "utter", "call"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SAY = "said say says saying"
_TELL = """
    told tell tells telling assured assures assuring informed reminded reminds
    """
_CLAIM = """
    added adds adding wrote writes writing written reckoned reckons tweeted tweets posted insisted insists
    insisting argued argues arguing claimed claims claiming warned warns warning noted notes noting
    announced announces announcing explained explains explaining stated states stating declared declares
    admitted admits acknowledged acknowledges alleged alleges alleging asserted asserts complained complains
    complaining conceded concedes conceding confirmed confirms contended contends stressed stresses
    stressing emphasised emphasized emphasises emphasizes recalled recalls remarked remarks replied replies
    responded responds revealed reveals repeated repeats reiterated reiterates testified testifies
    maintained maintains observed observes predicted predicts predicting cautioned cautions cautioning
    countered counters concluded concludes commented comments disclosed discloses suggested suggests
    estimated estimates ruled rules held reported reports pointed points pointing lamented laments mused
    muses objected objects protested protests pleaded pleads boasted boasts joked jokes quipped quips
    retorted agreed agrees vowed vows promised promises affirmed swore swears answered answers
    """
# Forms that are nouns too, or rare: these report only with "that" behind a subject.
_BARE = (
    "tell write argue warn insist allege complain explain admit acknowledge contend maintain predict stress"
)
_ASK = "asked asks asking wondered wonders"
_UTTER = """
    shouted shouts shouting cried cries crying whispered whispers whispering muttered mutters murmured
    screamed screams screaming yelled yells sighed sighs laughed laughs laughing smiled grinned shrugged
    exclaimed exclaims continued continues began begins sang chanted chanting chants snapped demanded
    demands urged urges pronounced roared groaned begged spoke speaks opined opines thanked thanks
    """
_CALL = """
    called calls calling call describe described describes describing branded brands branding labelled
    labeled labels dismissed dismisses denounced denounces hailed hails praised praises condemned condemns
    likened
    """


def _forms(kind: CueKind, words: str) -> dict[str, CueKind]:
    return dict.fromkeys(words.split(), kind)


CUES: Final[dict[str, CueKind]] = {
    **_forms("say", _SAY),
    **_forms("tell", _TELL),
    **_forms("claim", _CLAIM),
    **_forms("claim", _BARE),
    **_forms("ask", _ASK),
    **_forms("utter", _UTTER),
    **_forms("call", _CALL),
}
PARTICIPLES: Final = frozenset(word for word in CUES if word.endswith("ing"))
# These report speech in front of a clause only with "that": without it they take things ("reported a loss").
STRICT_CLAIMS: Final = _words("""
    reported reports held ruled rules observed observes repeated repeats posted suggested suggests estimated
    estimates promised promises vowed vows agreed agrees answered answers concluded concludes maintained
    maintains recalled recalls pointed points pointing declared declares announced announces revealed reveals
    disclosed discloses
    """) | _words(_BARE)
# Verbs that stand before their subject behind a quote: '"…," recalled Jane Doe'.
INVERTING: Final = _words("""
    added adds wrote writes tweeted insisted insists argued argues warned warns noted notes explained
    explains declared declares admitted recalled recalls remarked replied replies responded responds joked
    jokes quipped complained concluded countered observed lamented mused retorted
    """)
WITH_OUT: Final = _words("pointed points pointing")  # only "pointed out" reports speech

AUXILIARIES: Final = _words("has have had 's 've 'd")
PARTICIPLES_OF_HAVE: Final = frozenset(["written"])  # "had written" reports, "written by" does not
PASSIVES: Final = _words("is are was were be been being gets got")
UNSAID: Final = _words("""
    not never nor cannot can't won't wouldn't didn't doesn't don't hasn't haven't hadn't couldn't isn't
    wasn't to will would can could may might must should shall did do does refused declined without nobody
    """)
ADVERBS: Final = _words("""
    also later late early then further once again still only even just now repeatedly often previously earlier
    yesterday since always so far both each all himself herself itself themselves monday tuesday wednesday
    thursday friday saturday sunday today
    """)
FINITE: Final = _words("""
    is are was were has have had will would can could may might must should shall did does do isn't aren't
    wasn't weren't hasn't haven't hadn't won't wouldn't can't couldn't shouldn't didn't doesn't don't cannot
    """)
WEEKDAYS: Final = _words("monday tuesday wednesday thursday friday saturday sunday")
VAGUE: Final = _words("it so this that anything nothing something everything much little")
CLAUSE_STARTS: Final = _words("he she they it there we i you this these those nobody everyone no")
QUESTION_WORDS: Final = _words("who whom whose what which when where why how whether if")
PERSONAL: Final = _words("he she")
PLURAL: Final = _words("they")
NEUTER: Final = _words("it")
PRONOUNS: Final = PERSONAL | PLURAL | NEUTER
NOT_SPEAKERS: Final = _words("""
    i we you this that these those which what who whom whose there here no nobody none neither
    """)
PREPOSITIONS: Final = _words("""
    of for to with from by at in on between into over under after before during about against near outside
    inside through across among amid behind beside since until within without around along
    """)
RELATIVES: Final = _words("who whom whose which that where when")
NOUN_PHRASE_ENDS: Final = _words("""
    who whom whose which that where when while as after before during in on at from because if but and since
    until although though to pointing citing referring by is was has had
    """)
CONJUNCTIONS: Final = _words("and but or yet")
SUBORDINATORS: Final = _words(
    "when while because if although though unless after before since as where whereas once until"
)
DETERMINERS: Final = _words("""
    the a an his her its their our my this that these those one two three four five six seven eight nine ten
    some many several most both another other few all every each any no more
    """)
# Unions are made once: they are asked for at every verb.
NO_SUBJECTS: Final = UNSAID | PASSIVES | PREPOSITIONS | {"the", "a", "an"} | (NOT_SPEAKERS - RELATIVES)
ADVERBIAL: Final = PREPOSITIONS | SUBORDINATORS
SKIPPED: Final = RELATIVES | CONJUNCTIONS
ENDS_LEADING: Final = PREPOSITIONS | FINITE | CUES.keys() | RELATIVES
JOINING: Final = CONJUNCTIONS | {"while", "whereas"}
