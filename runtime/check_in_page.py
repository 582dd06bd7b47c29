"""What a check-in link shows: four constant pages, the same bytes for every case. They name neither case nor project.

Whoever looks over the person's shoulder, takes his phone or listens on the way sees one of these and nothing else.
"""

from domain.agreed_words import LONGEST
from runtime.page import page

LANGUAGES = ("en", "ru", "fr", "de")

_ASK = (
    "If you have a word, write it here. Then press the button.",
    "Если у вас есть слово, напишите его здесь. Потом нажмите кнопку.",
    "Si vous avez un mot, écrivez-le ici. Puis appuyez sur le bouton.",
    "Wenn Sie ein Wort haben, schreiben Sie es hier. Dann drücken Sie den Knopf.",
)
_SEND = ("Send", "Отправить", "Envoyer", "Senden")
_RECEIVED = (
    "Received. Thank you. You can close this page.",
    "Получено. Спасибо. Страницу можно закрыть.",
    "Reçu. Merci. Vous pouvez fermer cette page.",
    "Angekommen. Danke. Sie können diese Seite schließen.",
)
_OVER = (
    "This link is over. Ask for a new one.",
    "Эта ссылка больше не действует. Попросите новую.",
    "Ce lien n’est plus valable. Demandez-en un nouveau.",
    "Dieser Link gilt nicht mehr. Bitten Sie um einen neuen.",
)
_FAILED = (
    "Not received. Try again in some minutes, or in another way.",
    "Не получено. Попробуйте через несколько минут или другим способом.",
    "Pas reçu. Réessayez dans quelques minutes, ou par un autre moyen.",
    "Nicht angekommen. Versuchen Sie es in einigen Minuten noch einmal, oder auf anderem Weg.",
)


def _in_each(sentences: tuple[str, ...], tag: str) -> str:
    return "\n".join(
        f'<{tag} lang="{language}">{sentence}</{tag}>' for language, sentence in zip(LANGUAGES, sentences, strict=True)
    )


def _constant(title: str, main: str) -> bytes:
    return page(title, main).encode()


def _short(sign: str, sentences: tuple[str, ...]) -> bytes:
    return _constant("Message", f"<h1>{sign} Message</h1>\n{_in_each(sentences, 'p')}")


_BUTTON = " · ".join(f'<span lang="{language}">{word}</span>' for language, word in zip(LANGUAGES, _SEND, strict=True))

# No field for passphrases: he must see what he types. But no browser keeps it, and no keyboard learns it.
ASK = _constant(
    "Message",
    f"""<h1>✉ Message</h1>
<form method="post" accept-charset="utf-8">
<div id="asked">
{_in_each(_ASK, "p")}
</div>
<input name="word" aria-labelledby="asked" maxlength="{LONGEST}" autocomplete="off" autocapitalize="off"
 autocorrect="off" spellcheck="false">
<button class="large">{_BUTTON}</button>
</form>""",
)
RECEIVED = _short("✓", _RECEIVED)
OVER = _short("∅", _OVER)
FAILED = _short("✗", _FAILED)
