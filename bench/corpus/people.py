"""Synthetic subjects: names in several character sets, numbers, dates. All of them made up."""

import random
from dataclasses import dataclass
from datetime import date, timedelta

_CONSONANTS, _VOWELS = "bdfgklmnprstvxz", "aeiou"
_FAMILIES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂晓东海燕雪梅志文"
_ACCENTS = str.maketrans("aeou", "äéöü")

CHARSETS = ("ISO_IR 192", "GB18030", "ISO_IR 100", "\\ISO 2022 IR 58", "")
"""Terms of (0008,0005) that subjects take by turns."""

_CODECS = {"ISO_IR 192": "utf_8", "GB18030": "gb18030", "ISO_IR 100": "latin_1"}


@dataclass(frozen=True)
class Subject:
    """One person.

    Attributes:
        charset: term of (0008,0005), the empty string for plain ASCII.
        latin: family and given name as they are spelled in Latin letters.
        hanzi: family and given name in Chinese, or two empty strings.
    """

    number: int
    charset: str
    latin: tuple[str, str]
    hanzi: tuple[str, str]
    mrn: str
    phone: str
    born: date
    sex: str
    seen: date

    @property
    def person_name(self) -> str:
        """The value of (0010,0010) PatientName."""
        latin = "^".join(self.latin)
        return f"{latin}={'^'.join(self.hanzi)}" if self.hanzi[0] else latin

    @property
    def spoken(self) -> str:
        """The name as people write it in a remark, in what the character set can write."""
        return "".join(self.hanzi) if self.hanzi[0] and self.number % 2 else " ".join(self.latin)

    def needles(self) -> list[bytes]:
        """Bytes that give the subject away, in every encoding a tool may have written."""
        words = [*self.latin, self.mrn, self.phone]
        words += ["".join(self.hanzi), self.hanzi[1]] if self.hanzi[0] else []
        codecs = ("utf_8", "gb18030", "latin_1")
        found = {_encoded(word, codec) for word in words for codec in codecs}
        return sorted(found - {b""})


def _encoded(word: str, codec: str) -> bytes:
    try:
        return word.encode(codec)
    except UnicodeEncodeError:
        return b""


def syllables(rng: random.Random, count: int) -> str:
    """A word that no language has; begins with a capital."""
    word = "".join(rng.choice(_CONSONANTS) + rng.choice(_VOWELS) for _ in range(count))
    return word.capitalize()


def subject(rng: random.Random, number: int) -> Subject:
    """The subject of a number."""
    charset = CHARSETS[number % len(CHARSETS)]
    latin = (syllables(rng, 4), syllables(rng, 3))
    hanzi = ("", "")
    if charset in {"ISO_IR 192", "GB18030", "\\ISO 2022 IR 58"}:
        hanzi = (rng.choice(_FAMILIES), rng.choice(_GIVEN) + rng.choice(_GIVEN))
    elif charset:
        latin = (latin[0].translate(_ACCENTS), latin[1].translate(_ACCENTS))
    return Subject(
        number,
        charset,
        latin,
        hanzi,
        mrn=f"MR{rng.randrange(10**7, 10**8)}",
        phone=f"1{rng.randrange(30, 99)}{rng.randrange(10**7, 10**8)}",
        born=date(1930, 1, 1) + timedelta(rng.randrange(28000)),
        sex=rng.choice("FM"),
        seen=date(2012, 1, 1) + timedelta(rng.randrange(4000)),
    )
