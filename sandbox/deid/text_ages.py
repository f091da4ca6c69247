"""Ages of 90 and more; younger ones stay.

Source: 45 CFR 164.514(b)(2)(i)(C).
"""

import re
from collections.abc import Iterator

from sandbox.deid.text_spans import Kind, Span

_OLD = r"(?:9\d|1[0-2]\d)"
_TENS = (
    r"(?:ninety(?:[- ](?:one|two|three|four|five|six|seven|eight|nine))?|(?:a|"
    r"one) hundred(?: and (?:one|two|three|four|five|six|seven|eight|nine|ten))?)"
)
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE | re.ASCII)
    for pattern in (
        (
            rf"(?<![\d.\-/]){_OLD}\s?(?:周?岁|y/?o\b|yo\b|yrs? ?/? ?old|years?[- ](?:old|of age)|"
            rf"-years?-old|-?yr-?old|y\.o\.?)"
        ),
        (
            rf"(?<![\d.\-/]){_OLD} ?y(?:rs?|ears?)?\b\.?(?= ?[/,]? ?(?:old )?(?:[MF]\b|male|female|"
            rf"man|woman|gentleman|lady))"
        ),
        (
            rf"(?:\bage[d:]?|年龄|实足年龄|虚岁|现年|享年|"
            rf"高龄)[: ]{{0,3}}{_OLD}(?![\d.%/])(?: ?(?:years|yrs|岁))?"
        ),
        rf"(?<![\d.\-/A-Za-z]){_OLD}(?= ?[MF]\b(?!Hz|m|g))",
        rf"\b[MF]/{_OLD}(?![\d.])",
        (
            r"(?:九十[一二三四五六七八九]?|一百(?:零?[一二三四五六七八九]|"
            r"一?十[一二三四五六七八九]?)?)\s?(?:余|多)?周?岁"
        ),
        rf"(?:turned|aged?|is|was|turning) (?:now )?{_TENS}\b|\b{_TENS}[- ]years?[- ]old",
    )
)
_NUMBER = re.compile(rf"{_OLD}|{_TENS}|九十|一百", re.IGNORECASE)


def ages_in(text: str) -> Iterator[Span]:
    """Every age of 90 or more in a view's text."""
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            number = _NUMBER.search(text, match.start(), match.end())
            start = number.start() if number else match.start()
            yield Span(start, match.end(), Kind.AGE_OVER_89, 74)
