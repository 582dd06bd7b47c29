"""Named ways of counting, and fictions of service, each with where it was read and what is not known of it.

Data only: nothing is counted here. What nobody has read is said so, and is not more than background.
"""

from datetime import date

from domain.deadlines import Counting, Unit
from domain.errors import NotUnderstood
from domain.facts import CountryCode, Frozen
from domain.rulebook.dated import WEAK, Confidence, Source


class Convention(Frozen):
    """A law's way of counting.

    Attributes:
        name: by which it is called for.
        words: what it says, in one sentence.
        counting: the same for the calculus.
        sources: where it was read.
        confidence: how well it is known.
        verified: the day on which somebody last read the sources.
        country: whose holidays and time zone hold where nobody names others; ``None`` for the law of a union.
        time_zone: that country's.
        notes: what is not known, or is easily taken wrongly.
    """

    name: str
    words: str
    counting: Counting
    sources: tuple[Source, ...]
    confidence: Confidence
    verified: date
    country: CountryCode | None = None
    time_zone: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def doubt(self) -> tuple[str, ...]:
        """Why it may not be relied on alone; empty when it may."""
        return (f"{self.name}: {WEAK[self.confidence]}",) if self.confidence in WEAK else ()


class ServiceFiction(Frozen):
    """When a decision counts as served by one means.

    Attributes:
        name: by which it is called for.
        words: what the law says, in one sentence.
        begins: the event it is counted from.
        amount: after how long it counts as served; ``None`` where it does at once.
        unit: what ``amount`` is counted in.
        unless: the event that serves it earlier.
        sources: where it was read.
        confidence: how well it is known.
        verified: the day on which somebody last read the sources.
        notes: what is not known.
    """

    name: str
    words: str
    begins: str
    amount: int | None = None
    unit: Unit = Unit.DAYS
    unless: str | None = None
    sources: tuple[Source, ...]
    confidence: Confidence
    verified: date
    notes: tuple[str, ...] = ()


_READ = date(2026, 11, 25)
_BGB = "https://www.gesetze-im-internet.de/bgb/"
_ASYLG = "https://www.gesetze-im-internet.de/asylvfg_1992/"
_LEGAL_AID = (
    "https://toulouse.cour-administrative-appel.fr/decisions-de-justice/dernieres-decisions/la-cour-juge-que-le-delai"
    "-de-recours-qui-a-ete-suspendu-par-le-depot-d-une-demande-d-aide-juridictionnelle-recommence-a-courir-a-compter"
    "-de-la-no"
)
_CPC = "https://www.doctrine.fr/l/texts/codes/LEGITEXT000006070716/articles/"
_PACT = "the texts that were adapted to the EU's Pact from 2026-06-12 were not read"

CONVENTIONS: tuple[Convention, ...] = (
    Convention(
        name="eu-1182-71",
        words="Acts of the EU: the first day does not count, an end on a Saturday, Sunday or public holiday moves to"
        " the next working day, and two days or more hold at least two working days.",
        counting=Counting(rolls_over=True, two_working_days=True),
        sources=(
            Source(
                url="http://www.wordscope.be/anglais/francais/day+taking+questions.html",
                cites="Regulation (EEC, Euratom) 1182/71, article 3(1), quoted",
            ),
            Source(
                url="http://wordscope.be/anglais/francais/ended+last+june.html",
                cites="the same, article 3(4), quoted in a later act",
            ),
            Source(
                url="https://eur-lex.europa.eu/legal-content/EN/TXT/?uri=CELEX:31971R1182",
                cites="the regulation: of its text only the beginning was seen",
            ),
        ),
        confidence=Confidence.MEDIUM,
        verified=_READ,
        notes=(
            "article 3(2) on months and article 3(5) on two working days were seen second-hand, quoted and retold in"
            " files without an address: the text itself was not read",
            "hours are counted to the minute, the earlier reading: the hour of the event itself does not count",
            "holidays are those of the state, or of the institution, where the act is to be done: say --country",
            "an act may depart from it, as Dublin III does",
        ),
    ),
    Convention(
        name="fr-free",
        words="France, free days (délai franc), the rule for courts of administrative law: neither the first day nor"
        " the last counts, and an end on a Saturday, Sunday or holiday moves to the next working day.",
        counting=Counting(free_days=True, rolls_over=True),
        sources=(
            Source(
                url="https://www.lexbase.fr/article-juridique/59037715-breves-delais-de-contestation-dune-decision-de"
                "-transfert-dun-demandeur-dasile-a-destination-de-letat",
                cites="Conseil d'État, 2020-07-01, no. 438152, as reported",
                seen=date(2020, 7, 8),
            ),
            Source(
                url="https://consultation.avocat.fr/barreau-poitiers/blog/andre-icard/article-15761-la-difference-entre"
                "-delai-franc-et-delai-non-franc.html",
                cites="a lawyer's worked example: 2007-10-01 and two months give 2007-12-03",
            ),
            Source(url=f"{_CPC}LEGIARTI000006411003", cites="code de procédure civile, article 642, in force 1976"),
            Source(
                url=_LEGAL_AID, cites="law 91-647, article 9-4: legal aid suspends, and the later notification counts"
            ),
        ),
        confidence=Confidence.HIGH,
        verified=_READ,
        country="FR",
        time_zone="Europe/Paris",
        notes=(
            "a text may make its period an ordinary one: that against a Dublin transfer is (Conseil d'État no. 438152)",
            "whether the day of the request for legal aid still counts was not found: it is taken as counted",
            _PACT,
        ),
    ),
    Convention(
        name="fr-ordinary",
        words="France, ordinary periods: the first day does not count, months end on the same date or the month's last"
        " day, and an end on a Saturday, Sunday or holiday moves to the next working day.",
        counting=Counting(rolls_over=True),
        sources=(
            Source(url=f"{_CPC}LEGIARTI000006411002", cites="code de procédure civile, article 641, in force 1976"),
            Source(url=f"{_CPC}LEGIARTI000006411003", cites="code de procédure civile, article 642, in force 1976"),
        ),
        confidence=Confidence.HIGH,
        verified=_READ,
        country="FR",
        time_zone="Europe/Paris",
        notes=(
            "a month and some days: months are counted first, then days",
            "weeks are not in article 641: they are counted as seven days each",
        ),
    ),
    Convention(
        name="de-civil",
        words="Germany, civil code: the day of the event does not count, weeks and months end on the day of the same"
        " name or date, and an end on a Saturday, Sunday or holiday moves to the next working day.",
        counting=Counting(rolls_over=True),
        sources=(
            Source(
                url=f"{_BGB}__187.html",
                cites="BGB § 187(1), read in the copy bundestag/gesetze",
                seen=date(2022, 3, 26),
            ),
            Source(url=f"{_BGB}__188.html", cites="BGB § 188", seen=date(2022, 3, 26)),
            Source(
                url=f"{_BGB}__190.html",
                cites="BGB § 190: longer from the end of the old period",
                seen=date(2022, 3, 26),
            ),
            Source(url=f"{_BGB}__193.html", cites="BGB § 193, holidays of the place", seen=date(2022, 3, 26)),
        ),
        confidence=Confidence.HIGH,
        verified=_READ,
        country="DE",
        time_zone="Europe/Berlin",
        notes=(
            "a period that begins with the beginning of a day counts that day (§ 187(2)): use --first-day-counts",
            "holidays differ by Land: without --region only those of the whole country move an end",
            "in court, code of civil procedure § 222 says the same of ends; hours leave out weekends there (§ 222(3)),"
            " which is not counted here: the earlier reading",
        ),
    ),
    Convention(
        name="dublin-iii",
        words="Regulation 604/2013, article 42: the day of the event does not count, and Saturdays, Sundays and"
        " holidays do, so that an end on one of them stays there.",
        counting=Counting(),
        sources=(
            Source(
                url="https://www.asyl.net/rsdb/M26709",
                cites="VG Regensburg, RN 8 E 18.50731: article 42(a), and where one period ends the next begins",
                seen=date(2018, 11, 7),
            ),
            Source(
                url="https://eur-lex.europa.eu/legal-content/EN/TXT/?uri=CELEX%3A02013R0604-20130629",
                cites="the regulation: of its text only the beginning was seen",
            ),
        ),
        confidence=Confidence.UNVERIFIED,
        verified=_READ,
        notes=(
            "article 42(b) and (c), on ends and on holidays, are background and were not read: no roll-over is the"
            " earlier reading",
            "some German offices count one day more where silence accepts a request; the court says they are wrong",
            "Regulation 2024/1351 has taken its place for newer applications: how that one counts was not found",
            "it is not for a person's appeal to a court, which national law counts",
        ),
    ),
    Convention(
        name="plain-days",
        words="Days of presence: the first day counts, and nothing moves.",
        counting=Counting(first_day_counts=True),
        sources=(),
        confidence=Confidence.UNVERIFIED,
        verified=_READ,
        notes=(
            "no law was read for it: whether a country counts the days of entry and of exit is in its rulebook"
            " (`safeconduct rules COUNTRY`)",
        ),
    ),
)

FICTIONS: tuple[ServiceFiction, ...] = (
    ServiceFiction(
        name="fr-portal",
        words="OFPRA's portal: served with the first opening, at the latest fifteen days after the upload.",
        begins="upload",
        amount=15,
        unless="first opening",
        sources=(
            Source(
                url="https://french-business-law.com/french-legislation-art/article-r531-17-of-the-french-code-governing"
                "-the-entry-and-residence-of-foreign-nationals-and-the-right-of-asylum/",
                cites="CESEDA R.531-17, translated",
            ),
            Source(
                url="https://www.legifrance.gouv.fr/codes/texte_lc/LEGITEXT000006070158",
                cites="CESEDA R.531-17",
                seen=date(2026, 4, 3),
            ),
        ),
        confidence=Confidence.HIGH,
        verified=_READ,
        notes=("whether the fifteen days are free days was not found: the earlier reading is taken", _PACT),
    ),
    ServiceFiction(
        name="de-reception-centre",
        words="In a German reception centre: served when handed over to the person, else on the third day after it was"
        " handed over to the centre.",
        begins="hand-over to the centre",
        amount=3,
        unless="hand-over to the person",
        sources=(
            Source(url=f"{_ASYLG}__10.html", cites="AsylG § 10(4), copy bundestag/gesetze", seen=date(2022, 3, 26)),
            Source(
                url="https://www.verwaltungsgericht.bremen.de/gerichtsentscheidung-en/zur-frage-der-zustellung-in-einer"
                "-aufnahmeeinrichtung-2-k-1431-24-urteil-vom-05-05-2025-25477?asl=bremen73.c.13039.de",
                cites="VG Bremen, 2025-05-05, 2 K 1431/24: only if the centre tried to hand it over",
                seen=date(2025, 5, 5),
            ),
        ),
        confidence=Confidence.MEDIUM,
        verified=_READ,
        notes=("the third day is taken as it falls, also on a weekend", _PACT),
    ),
    ServiceFiction(
        name="de-last-address",
        words="In Germany, a letter that cannot be delivered at the last known address: served when it was posted.",
        begins="posting",
        sources=(
            Source(url=f"{_ASYLG}__10.html", cites="AsylG § 10(2), copy bundestag/gesetze", seen=date(2022, 3, 26)),
            Source(
                url="https://bverwg.de/de/pm/2020/49", cites="BVerwG, press release 49/2020", seen=date(2020, 8, 20)
            ),
        ),
        confidence=Confidence.MEDIUM,
        verified=_READ,
        notes=(_PACT,),
    ),
    ServiceFiction(
        name="handed-over",
        words="Handed over to the person: served on that day.",
        begins="hand-over",
        sources=(Source(url=f"{_ASYLG}__10.html", cites="AsylG § 10(4), as one example", seen=date(2022, 3, 26)),),
        confidence=Confidence.MEDIUM,
        verified=_READ,
    ),
)


def convention(name: str) -> Convention:
    """The convention of a name.

    Raises:
        NotUnderstood: there is none.
    """
    found = next((one for one in CONVENTIONS if one.name == name), None)
    if found is None:
        raise NotUnderstood(f"`--convention` is one of: {', '.join(one.name for one in CONVENTIONS)}")
    return found


def fiction(name: str) -> ServiceFiction:
    """The fiction of service of a name.

    Raises:
        NotUnderstood: there is none.
    """
    found = next((one for one in FICTIONS if one.name == name), None)
    if found is None:
        raise NotUnderstood(f"`--served` is one of: {', '.join(one.name for one in FICTIONS)}")
    return found
