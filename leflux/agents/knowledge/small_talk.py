"""Answers to greetings, thanks and questions about the assistant itself."""

import re

from leflux.common.catalogue import heard_language, say

_GREETING = re.compile(
    r"(?:hi|hello|hey|hiya|howdy|greetings|good (?:morning|afternoon|evening|day)|hallo|guten (?:tag|morgen|abend)"
    r"|moin|bonjour|salut|hola|buenos d[ií]as|ciao|ol[aá])(?: there| all| everyone| you| again)?",
    re.IGNORECASE,
)
_THANKS = re.compile(
    r"(?:ok(?:ay)?,? |great,? |perfect,? )?(?:thanks?(?: you)?|thx|cheers|many thanks|danke(?: schön)?|merci|gracias)"
    r"(?: (?:a lot|so much|very much|for .{1,60}|again))?",
    re.IGNORECASE,
)
_PRAISE = re.compile(
    r"(?:ok(?:ay)?|great|perfect|nice|cool|awesome|super|excellent|got it|i see|alright|good|fine|yes|no|yep|nope)"
    r"(?: (?:job|answer|one|then))?",
    re.IGNORECASE,
)
_BYE = re.compile(
    r"(?:bye(?:[ -]bye)?|good ?bye|see (?:you|ya)(?: later)?|tsch[uü]ss|au revoir|adios|ciao)", re.IGNORECASE
)
_WHO = re.compile(
    r"(?:who|what) are you|are you (?:a |an )?(?:bot|robot|human|person|real|real person|ai|machine)"
    r"|what(?:'s| is) your name|am i (?:talking|speaking) (?:to|with) (?:a |an )?.{1,30}|what is this",
    re.IGNORECASE,
)
_HOW = re.compile(r"how are you(?: doing)?(?: today)?|how's it going|what'?s up|how do you do", re.IGNORECASE)
_HELP = re.compile(
    r"help(?: me)?|what can (?:you|i) (?:do|ask)(?: you)?(?: here)?|how (?:can|do) you (?:help|work)(?: me)?"
    r"|can you help(?: me)?|i need (?:some )?help|i have a question",
    re.IGNORECASE,
)
_EDGES = " \t\r\n.!?,;:)(😀🙂👋👍🙏❤️"


def small_talk(text: str, site: str, lang: str) -> str | None:
    """The answer, or None when the text is a question to look up. `site` is the site's name."""
    said = " ".join(text.strip(_EDGES).split())
    if len(said) > 100:
        return None
    if not said:
        return say(lang, "empty", site=site)
    for key in ("hello", "thanks", "bye"):
        if (spoken := heard_language(key, said, lang)) is not None:
            return say(spoken, key, site=site)
    kinds = (
        (_GREETING, "hello"),
        (_HOW, "how_are_you"),
        (_THANKS, "thanks"),
        (_BYE, "bye"),
        (_WHO, "who"),
        (_HELP, "help"),
        (_PRAISE, "good"),
    )
    return next((say(lang, key, site=site) for pattern, key in kinds if pattern.fullmatch(said)), None)
