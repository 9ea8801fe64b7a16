"""Sentences with personal data in them, and where it stands: JSON lines of {text, template, source, spans}.

Usage: generate.py <train|test> <count>

Templates and identities are those of presidio-evaluator 0.3.2 (MIT), filled by its own generator; half of the templates
and half of the identities are for training, the others for testing. For training there are templates of our own beside
them, in nine languages, filled by Faker (MIT).
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
    "ro_RO", "sk_SK", "et_EE", "lt_LT", "lv_LV", "id_ID", "az_AZ", "sq_AL", "en_NG", "ga_IE", "zu_ZA", "yo_NG", "ha_NG",
]


def is_test(template: str) -> bool:
    return hashlib.sha256(template.encode()).digest()[0] % 2 == 0


def presidio(part: str, count: int, seed: int):
    lines = [line.strip() for line in (Path(generator.__file__).parent / "raw_data/templates.txt").read_text(errors="replace").splitlines()]
    # The file writes a new line as a backslash and an n.
    templates = [line.replace("\\n", "\n").replace("\\,", ",") for line in lines if is_test(line) == (part == "test")]
    random.seed(seed)
    people = load_fake_person_df()
    people = people.iloc[[i for i in range(len(people)) if (i % 2 == 0) == (part == "test")]].reset_index(drop=True)
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
        yield {"text": text, "template": frame, "source": "own", "spans": spans}


def filled(fake: Faker, slot: str):
    name = f"{fake.first_name()} {fake.last_name()}"
    roll = random.random()
    if slot == "person":
        if roll < 0.08:
            name = f"{name.split()[0]} {random.choice('ABCDEFGHJKLMNPRSTVW')}. {name.split()[-1]}"
        elif roll < 0.12:
            name = f"{name.split()[0][0]}. {name.split()[-1]}"
        elif roll < 0.15:
            name = f"{name} {fake.last_name()}"
        elif roll < 0.17:
            name = name.upper()
        return "person", name
    if slot == "first":
        return "person", fake.first_name()
    if slot == "last":
        return "person", fake.last_name()
    if slot == "city":
        return "location", fake.city()
    if slot == "country":
        return "location", fake.country()
    if slot == "street":
        return "address", fake.street_address().split("\n")[0]
    if slot == "address":
        value = fake.address()
        return "address", value if roll < 0.4 else value.replace("\n", ", " if roll < 0.8 else " ")
    if slot == "postcode":
        return "address", fake.postcode()
    if slot == "company":
        return "organisation", fake.company()
    if slot == "job":
        return None, fake.job()
    if slot == "year":
        return None, str(random.randint(1900, 2026))
    if slot == "number":
        return None, str(random.randint(1, 99999))
    if slot == "email":
        return "email", fake.email()
    if slot == "phone":
        return "phone", fake.phone_number()
    raise ValueError(f"there is no slot {slot}")


def main() -> None:
    part, count = sys.argv[1], int(sys.argv[2])
    seed = 12 if part == "test" else 11
    for row in presidio(part, count, seed):
        print(json.dumps(row))
    if part == "train":
        for row in own(count * 5, seed):
            print(json.dumps(row))


main()
