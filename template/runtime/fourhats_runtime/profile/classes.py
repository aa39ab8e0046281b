"""The classes of a target: spellings that are one, what is too rare, what a blank means."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

FEWEST_CLASSES = 2
FEWEST_OF_A_CLASS = 10
MANY_BLANKS = 0.05
"""Share of the rows from which on a blank beside a single value is an answer of its own."""
OTHER = "other"

WORDS = {
    "yes": "1 1.0 yes y true t ja j wahr oui vrai si sí sì verdadero vero sim",
    "no": "0 0.0 no n false f nein falsch non faux falso não nao",
    "acted on": """anomaly attack attrited bad broken cancelled canceled churn churned closed
        converted damaged dead default defaulted deceased died disease exited fail failed failure
        faulty fraud fraudulent ill late leaver left lost malignant p pos positive presence present
        returned sick spam unhealthy gekündigt gekuendigt storniert krank positiv bösartig
        positif malade résilié resilie impagado baja positivo maligno guasto abbandono""",
    "let be": """absence absent active alive benign existing good ham healthy legit neg negative
        none normal ok on-time retained stayed aktiv gesund gutartig negativ sain sano activo attivo
        negativo""",
}
YES, NO, CALLS_FOR_ACTION, LET_BE = (frozenset(words.split()) for words in WORDS.values())


@dataclass(frozen=True)
class Classes:
    """The classes that are learnt, with their rows, and what became of everything else."""

    sizes: Mapping[str, int]
    spellings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Other texts that stand for a class, by its name."""
    set_aside: tuple[str, ...] = ()
    blank: str = ""
    """The class that an empty value stands for; empty where it is an open case."""
    said: tuple[str, ...] = ()

    def of(self, text: str | None) -> str | None:
        """Give the class of a value; None for an open case and a class that is set aside."""
        if text is None:
            return self.blank or None
        if text in self.sizes:
            return text
        return next((name for name, texts in self.spellings.items() if text in texts), None)

    @property
    def positive(self) -> str | None:
        """The one of two classes that calls for action: it says so, or it is the rarer."""
        if len(self.sizes) != FEWEST_CLASSES:
            return None
        known = [label for label in self.sizes if _folded(label) in YES | CALLS_FOR_ACTION]
        if not known:
            nothing = NO | LET_BE
            known = [label for label in self.sizes if _folded(label) not in nothing]
        # 1 and 2 say nothing.
        if known == ["1"] and self.sizes.keys().isdisjoint(("0", "-1")):
            known = []
        return known[0] if len(known) == 1 else min(self.sizes, key=lambda name: self.sizes[name])

    @property
    def positive_share(self) -> float | None:
        """The share of the rows, above 0 and below 1, that are of the positive class."""
        if self.positive is None:
            return None
        return self.sizes[self.positive] / sum(self.sizes.values())


def find_classes(counted: Mapping[str, int], blanks: int) -> Classes:
    """Find the classes among a target's texts.

    Args:
        counted: how many rows hold each text.
        blanks: how many hold nothing.

    """
    spelled = _one_spelling_each(counted)
    sizes = {name: sum(counted[text] for text in texts) for name, texts in spelled.items()}
    said = [
        f"{_listed(texts)} are taken for one class, {name} (spellings)"
        for name, texts in spelled.items()
        if len(texts) > 1
    ]
    blank, rows = "", blanks + sum(sizes.values())
    if len(sizes) == 1 and blanks >= max(FEWEST_OF_A_CLASS, MANY_BLANKS * rows):
        (only,) = sizes
        blank = {"1": "0", "true": "false", "yes": "no"}.get(_folded(only), f"not {only}")
        sizes[blank] = blanks
        said.append(
            f"holds {only} or nothing: {blanks:,} blanks are taken for the class {blank}; where a "
            f"blank is a case that is still open, there is nothing to learn from (blank)"
        )
    rare = sorted(name for name, size in sizes.items() if size < FEWEST_OF_A_CLASS)
    set_aside: list[str] = []
    if rare and len(sizes) - len(rare) >= FEWEST_CLASSES:
        held = ", ".join(f"{name} ({sizes[name]:,})" for name in rare)
        together = sum(sizes.pop(name) for name in rare)
        texts = [text for name in rare for text in spelled.pop(name)]
        if len(rare) > 1 and together >= FEWEST_OF_A_CLASS:
            sizes[OTHER] = sizes.get(OTHER, 0) + together
            spelled[OTHER] = [*spelled.get(OTHER, [OTHER]), *texts]
            said.append(
                f"classes of fewer than {FEWEST_OF_A_CLASS} rows are one, {OTHER} (spellings): "
                f"{held}"
            )
        else:
            set_aside = texts
            said.append(
                f"rows of classes with fewer than {FEWEST_OF_A_CLASS} are set aside (set_aside): "
                f"{held}; to learn from them all the same, move the name to categories"
            )
    return Classes(
        sizes=dict(sorted(sizes.items())),
        spellings={
            name: others
            for name, texts in sorted(spelled.items())
            if (others := tuple(text for text in texts if text != name))
        },
        set_aside=tuple(set_aside),
        blank=blank,
        said=tuple(said),
    )


def _one_spelling_each(counted: Mapping[str, int]) -> dict[str, list[str]]:
    """Give the texts that mean each class, by the text that it is called by."""
    folded: dict[str, list[str]] = defaultdict(list)
    for text in sorted(counted):
        folded[_folded(text)].append(text)
    groups = list(folded.values())
    if len(folded) > FEWEST_CLASSES and folded.keys() <= YES | NO:
        groups = [
            [text for key, texts in folded.items() if key in words for text in texts]
            for words in (YES, NO)
        ]
    # By its commonest spelling, a plain one before one in capitals.
    return {
        max(texts, key=lambda text: counted[text] * (1 + text.islower())): texts
        for texts in groups
        if texts
    }


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[\s_]+", " ", plain).strip(" .!")


def _listed(texts: list[str]) -> str:
    shown = [f'"{text}"' for text in texts]
    return f"{', '.join(shown[:-1])} and {shown[-1]}"
