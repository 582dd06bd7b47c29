"""Names are told again: in whatever alphabet, order and spelling. The names are common ones, and nobody's."""

import re
import unicodedata
from datetime import date, timedelta
from itertools import combinations

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from domain.names import PARTS, Basis, Marks, marks_of, parts_of, skeleton

PASSPORT_RU = (
    dict(zip("абвгдеёзийклмнопрстуфыэ", "ABVGDEEZIIKLMNOPRSTUFYE", strict=True))
    | {"ж": "ZH", "х": "KH", "ц": "TS", "ч": "CH", "ш": "SH", "щ": "SHCH"}
    | {"ъ": "IE", "ь": "", "ю": "IU", "я": "IA"}
)
"""ICAO Doc 9303, as it stands in Russian passports."""

PASSPORT_UA = (
    dict(zip("абвгґдезиіїйклмнопрстуф", "ABVHGDEZYIIIKLMNOPRSTUF", strict=True))
    | {"є": "IE", "ж": "ZH", "х": "KH", "ц": "TS", "ч": "CH", "ш": "SH", "щ": "SHCH"}
    | {"ь": "", "'": "", "ю": "IU", "я": "IA", "зг": "ZGH"}
)
"""As it stands in Ukrainian passports, where зг must not look like ж."""

_RUSSIAN = """
Александр Алексей Анатолий Андрей Антон Аркадий Артём Артур Борис Вадим Валентин Валерий Василий Виктор Виталий
Владимир Владислав Вячеслав Геннадий Георгий Глеб Григорий Даниил Денис Дмитрий Евгений Егор Захар Иван Игорь Илья
Кирилл Константин Лев Леонид Максим Марк Матвей Михаил Никита Николай Олег Павел Пётр Роман Руслан Савелий Семён
Сергей Станислав Степан Тимофей Тимур Фёдор Эдуард Юрий Яков Ярослав Алёна Анастасия Анна Валентина Вера Виктория
Галина Дарья Екатерина Елена Жанна Зинаида Зоя Ирина Ксения Любовь Людмила Мария Надежда Наталья Ольга Полина
Светлана София Татьяна Юлия Яна Иванов Смирнов Кузнецов Попов Васильев Петров Соколов Михайлов Новиков Фёдоров Морозов
Волков Алексеев Лебедев Семёнов Егоров Павлов Козлов Степанов Николаев Орлов Андреев Макаров Никитин Захаров Зайцев
Соловьёв Борисов Яковлев Григорьев Романов Воробьёв Сергеев Кузьмин Фролов Александров Дмитриев Королёв Гусев Киселёв
Ильин Максимов Поляков Сорокин Виноградов Ковалёв Белов Медведев Антонов Тарасов Жуков Баранов Филиппов Комаров
Давыдов Беляев Герасимов Богданов Осипов Сидоров Матвеев Титов Марков Миронов Крылов Куликов Карпов Власов Мельников
Денисов Гаврилов Тихонов Казаков Афанасьев Данилов Савельев Тимофеев Фомин Чернов Абрамов Мартынов Ефимов Щербаков
Хохлов Цветков Шевцов Шульга Юдин Ершов Плющенко Чайковский Рудницкий Высоцкий Толстой Белый Подъячев Объедков
Хрущёв Горбачёв Сычёв Пугачёв Щукин Ющенко Иванович Сергеевич Ильич Юрьевич Андреевич Григорьевна Фоминична
"""

_UKRAINIAN = """
Олександр Андрій Анатолій Богдан Василь Віталій Володимир Вячеслав В'ячеслав Геннадій Григорій Данило Дмитро Євген
Іван Ігор Ілля Кирило Костянтин Максим Микола Михайло Назар Олег Олексій Остап Павло Петро Ростислав Сергій Станіслав
Тарас Юрій Яків Ярослав Анастасія Ганна Дар'я Мар'яна Наталія Оксана Олена Софія Тетяна Юлія Шевченко Коваленко
Бондаренко Ткаченко Кравченко Ковальчук Коваль Олійник Шевчук Поліщук Лисенко Гриценко Савченко Руденко Петренко Мороз
Марченко Хоменко Мельничук Кузьменко Харченко Захарченко Щербина Яценко Іваненко Їжакевич Ґудзь Згурський Вознюк
Зеленський Сагайдачний Юхимчук Цимбалюк Жадан Стельмах
"""

RUSSIAN, UKRAINIAN = _RUSSIAN.split(), _UKRAINIAN.split()

SPELLINGS = """
Сергей Сергій Sergei Sergey Serhii Serhiy Sergej
Юрий Юрій Yuri Iurii Yury Yurii Yuriy Jurij Iouri
Евгений Evgeny Evgenii Yevgeny Yevgeniy Jewgeni Evgenij
Пётр Петр Petr Pyotr Piotr
Фёдор Федор Fedor Fyodor Fiodor
Семён Семен Semen Semyon Semion
Алексей Aleksei Alexey Alexei Aleksey Aleksej
Александр Aleksandr Alexandr Alexander
Андрей Андрій Andrei Andrey Andrii Andriy
Дмитрий Dmitry Dmitri Dmitrii Dmitriy Dmitrij
Николай Nikolai Nikolay Nicolai Nikolaj
Михаил Mikhail Mihail
Максим Maksim Maxim
Виктор Viktor Victor Wiktor
Олег Oleg Oleh
Григорий Григорій Grigory Grigorii Hryhorii Grigoriy
Геннадий Gennady Gennadii Genadi Hennadii
Наталья Наталия Наталія Natalia Natalya Nataliya Nataliia Natalja
Юлия Юлія Yulia Iuliia Julia Yuliya
Надежда Nadezhda Nadejda Nadežda
Женя Zhenya Jenya Zhenia
Джамал Dzhamal Jamal Djamal
Щербаков Shcherbakov Scherbakov Sherbakov Shcherbakow Ščerbakov Szczerbakow
Хрущёв Хрущев Khrushchev Khruschev Khrushchov Hrushchev
Соловьёв Соловьев Solovyov Soloviev Solovyev Solovev Solov'ev Solov’ev
Васильев Vasilev Vasiliev Vasilyev Vasil'ev
Достоевский Dostoevskiy Dostoevsky Dostoevskii Dostoyevsky Dostoevski Dostojewskij
Куценко Kutsenko Kucenko Kutzenko
Кравцов Kravtsov Kravcov Krawtsow
Жуков Zhukov Jukov Žukov
Романов Romanov Romanoff ROMANOV
Толстой Tolstoi Tolstoy Tolstoj
Подъячев Podyachev Podiachev Podieiachev
""".strip().splitlines()

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
letters = st.text("abcdefghijklmnopqrstuvwxyzабвгґдеёжзиіїйклмнопрстуўфхцчшщъыьэюяšžč'", min_size=1, max_size=14)
names = st.lists(st.sampled_from(RUSSIAN + UKRAINIAN), min_size=1, max_size=5)
dates = st.dates(date(1940, 1, 1), date(2010, 1, 1))
dates_or_none = st.none() | dates

laws = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""On a busy machine drawing the examples takes long, and the first use of a table longer than the next ones."""


def in_passport(word: str, table: dict[str, str]) -> str:
    longest_first = sorted(table, key=len, reverse=True)
    return re.sub("|".join(longest_first), lambda found: table[found[0]], word.lower())


def alike(one: Marks, other: Marks) -> set[Basis]:
    return {basis for mark, basis in one.sought.items() if mark in other.kept}


# --- skeletons ---


@laws
@given(words | letters)
@example("Ǆ ﬁ ẞ İ ͅ")
def test_the_skeleton_of_a_skeleton_is_itself(word: str) -> None:
    assert skeleton(skeleton(word)) == skeleton(word)


@laws
@given(letters)
def test_neither_case_nor_the_way_a_letter_is_composed_changes_a_skeleton(word: str) -> None:
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert skeleton(unicodedata.normalize(form, word)) == skeleton(word)
        assert skeleton(unicodedata.normalize(form, word.upper())) == skeleton(word)


@pytest.mark.parametrize(("names", "table"), [(RUSSIAN, PASSPORT_RU), (UKRAINIAN, PASSPORT_UA)], ids=["ru", "ua"])
def test_a_name_and_what_a_passport_makes_of_it_are_one_skeleton(names: list[str], table: dict[str, str]) -> None:
    assert len(names) > 70
    for name in names:
        assert skeleton(in_passport(name, table)) == skeleton(name), name


@pytest.mark.parametrize("line", SPELLINGS, ids=lambda line: line.split()[0])
def test_common_spellings_of_a_name_are_one_skeleton(line: str) -> None:
    assert len({skeleton(word) for word in line.split()}) == 1, {word: skeleton(word) for word in line.split()}


def test_different_names_keep_different_skeletons() -> None:
    """Names that are one in two languages are no mistake; these pairs are, and stay rare."""
    for group in (RUSSIAN, UKRAINIAN):
        shared = [{one, other} for one, other in combinations(group, 2) if skeleton(one) == skeleton(other)]
        assert [pair for pair in shared if pair not in ({"Жанна", "Яна"}, {"Вячеслав", "В'ячеслав"})] == []


@pytest.mark.parametrize("word", ["", "7", "'", "…", "ь", " "])
def test_what_is_no_name_leaves_nothing(word: str) -> None:
    assert skeleton(word) == ""
    assert parts_of(word) == ()
    assert marks_of(word, date(1990, 1, 1)) == Marks(frozenset(), {})


# --- whole names ---


@laws
@given(st.data(), names)
def test_the_order_of_a_names_parts_does_not_matter(data: st.DataObject, name: list[str]) -> None:
    other = data.draw(st.permutations(name))
    assert parts_of(" ".join(name)) == parts_of("  ".join(other)) == parts_of(", ".join(other))


def test_a_double_name_is_two_parts_and_initials_are_none() -> None:
    assert parts_of("Римский-Корсаков Н. А.") == parts_of("Korsakov Rimskiy") == ("korsakov", "rimski")


@laws
@given(names, names, dates_or_none, dates_or_none)
def test_whoever_is_taken_in_first_the_other_is_noticed(
    one: list[str], other: list[str], born: date | None, also: date | None
) -> None:
    first, second = marks_of(" ".join(one), born), marks_of(" ".join(other), also)
    assert alike(first, second) == alike(second, first)


@laws
@given(names, dates_or_none)
def test_a_person_is_like_themselves(name: list[str], born: date | None) -> None:
    assume(len(parts_of(" ".join(name))) > 1)
    marks = marks_of(" ".join(name), born)
    assert alike(marks, marks) == {Basis.BIRTH_DATE if born is not None else Basis.NAMES}


@laws
@given(names, names, dates, st.integers(1, 10_000))
def test_two_birth_dates_are_two_people_whatever_their_names(
    one: list[str], other: list[str], born: date, days: int
) -> None:
    first, second = marks_of(" ".join(one), born), marks_of(" ".join(other), born + timedelta(days))
    assert alike(first, second) == set()


@pytest.mark.parametrize(
    ("one", "born", "other", "also", "how"),
    [
        # a patronymic is missing, and the alphabet is another
        ("Щербаков Сергей Юрьевич", 1, "Serhii SHCHERBAKOV", 1, Basis.BIRTH_DATE),
        # a family name has changed
        ("Смирнова Мария Петровна", 1, "Maria Petrovna Kuznetsova", 1, Basis.BIRTH_DATE),
        # one part is not enough, even on the same day
        ("Смирнов Иван", 1, "Иван Кузнецов", 1, None),
        ("Иван", 1, "Иван Кузнецов", 1, None),
        ("Иван", 1, "Ivan", 1, Basis.BIRTH_DATE),
        # a common name, two dates
        ("Иванов Сергей", 1, "Сергей Иванов", 2, None),
        # one side has no date: the shorter name must stand whole in the longer one
        ("Щербаков Сергей Юрьевич", 1, "Sergey Sherbakov", None, Basis.NAMES),
        ("Sergey Sherbakov", None, "Щербаков Сергей Юрьевич", None, Basis.NAMES),
        ("Иванов Иван Иванович", None, "Петров Иван Иванович", None, None),
        ("Иванов Иван Иванович", 1, "Петров Иван Иванович", None, None),
        ("Иван", None, "Иван", None, None),
        ("Иван", 1, "Иван Петров", None, None),
    ],
)
def test_what_is_noticed_and_what_is_not(
    one: str, born: int | None, other: str, also: int | None, how: Basis | None
) -> None:
    first, second = (
        marks_of(name, date(1990, 1, day) if day is not None else None) for name, day in ((one, born), (other, also))
    )
    assert alike(first, second) == ({how} if how is not None else set())


@laws
@given(st.lists(letters, max_size=60), dates_or_none)
def test_however_long_a_name_is_its_marks_are_few(name: list[str], born: date | None) -> None:
    marks = marks_of(" ".join(name), born)
    assert len(parts_of(" ".join(name))) <= PARTS
    assert len(marks.kept) <= 28 + 1 + 28 + 56 + 1
