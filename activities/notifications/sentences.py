"""The whole text of every notice: one constant sentence for each language and urgency.

Nothing is ever put into one. A sentence that is missing, or has a gap, fails a test (S13).
"""

from collections.abc import Mapping

from domain.colleagues import Language
from domain.duties import Urgency

ENGLISH: Mapping[Urgency, str] = {
    Urgency.REMINDER: "Safeconduct: something is due soon. Please look at the list of what needs a human.",
    Urgency.ALARM: "Safeconduct: something is due now. Please look at the list of what needs a human.",
    Urgency.EMERGENCY: "Safeconduct: an emergency. Please look at the list of what needs a human at once.",
    Urgency.OPERATOR: "Safeconduct: the engine needs an operator. Until somebody looks, dates may pass in silence.",
}

TEXTS: Mapping[Language, Mapping[Urgency, str]] = {
    Language.ENGLISH: ENGLISH,
    Language.RUSSIAN: {
        Urgency.REMINDER: "Safeconduct: скоро истекает срок. Пожалуйста, посмотрите список дел, которым нужен человек.",
        Urgency.ALARM: "Safeconduct: срок наступил. Пожалуйста, посмотрите список дел, которым нужен человек.",
        Urgency.EMERGENCY: "Safeconduct: экстренный случай. Немедленно посмотрите список дел, которым нужен человек.",
        Urgency.OPERATOR: "Safeconduct: системе нужен оператор. Пока никто не посмотрит, сроки могут пройти незаметно.",
    },
    Language.FRENCH: {
        Urgency.REMINDER: "Safeconduct : une échéance approche. Veuillez voir la liste de ce qui attend quelqu'un.",
        Urgency.ALARM: "Safeconduct : une échéance est là. Veuillez voir la liste de ce qui attend quelqu'un.",
        Urgency.EMERGENCY: "Safeconduct : une urgence. Voyez immédiatement la liste de ce qui attend quelqu'un.",
        Urgency.OPERATOR: "Safeconduct : le moteur a besoin d'un opérateur. D'ici là, des échéances peuvent passer en "
        "silence.",
    },
    Language.GERMAN: {
        Urgency.REMINDER: "Safeconduct: Bald ist etwas fällig. Bitte in die Liste dessen sehen, was jemanden braucht.",
        Urgency.ALARM: "Safeconduct: Jetzt ist etwas fällig. Bitte in die Liste dessen sehen, was jemanden braucht.",
        Urgency.EMERGENCY: "Safeconduct: Ein Notfall. Bitte sofort in die Liste dessen sehen, was jemanden braucht.",
        Urgency.OPERATOR: "Safeconduct: Die Anlage braucht jemanden, der sie betreibt. Bis dahin können Fristen "
        "unbemerkt verstreichen.",
    },
}
