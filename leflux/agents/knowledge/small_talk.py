"""Answers to what is no question about the site: greetings, thanks, and what this is."""

import re

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


def small_talk(text: str, site: str) -> str | None:
    """The answer, or None when the text should be looked up. `site` is the site's name."""
    said = " ".join(text.strip(_EDGES).split())
    if len(said) > 100:
        return None
    what = f"Ask me anything about {site}: I look it up on its pages and show you where it says so."
    replies = (
        (_GREETING, f"Hello! {what}"),
        (_HOW, f"All is well here, thank you. {what}"),
        (_THANKS, "You are welcome! Is there anything else?"),
        (_BYE, "Goodbye, and come back any time."),
        (_WHO, f"I am the automatic assistant of {site}, not a person. I answer from the pages of this site."),
        (_HELP, f"{what} I can also take you to a page; just say which."),
        (_PRAISE, "Good. Is there anything else you would like to know?"),
    )
    if not said:
        return f"I did not catch that. {what}"
    return next((reply for pattern, reply in replies if pattern.fullmatch(said)), None)
