"""Which columns hold personal data, by their names and by their values, in five languages."""

import re
from collections.abc import Callable, Collection, Mapping

import duckdb

from fourhats_runtime.contract.names import snake_case
from fourhats_runtime.profile.facts import MOST_CATEGORIES, Facts
from fourhats_runtime.profile.scans import Asked, scan

LOOKED_AT_ROWS = 2_000
LOOKED_AT_VALUES = 300
SUBJECT = 3
"""Columns about health from which on it is what the table is about."""
NUMBERED = 10
"""Of so many names, one with a digit: what they name is nobody."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _named(words: str) -> re.Pattern[str]:
    """Make the pattern of names that end in one of some words, or in its number or date."""
    ends = r"(_?(number|nummer|no|nr|num|address|adresse|date|datum|day|place|of_birth|\d))?"
    return re.compile(rf"(.*_)?({'|'.join(words.split())}){ends}")


BORN = "dates of birth"
# How the columns are called, by what they hold.
CONTACT = {
    "names": _named(
        """surname lastname firstname vorname nachname familienname kundenname ansprechpartner
        prenom nom_de_famille nom_complet apellidos? nombre_completo nombre_y_apellidos cognome
        nome_e_cognome
        (first|last|full|sur|middle|maiden|customer|client|person|contact|user|employee)_?name"""
    ),
    "e-mail addresses": _named("e_?mail courriel correo correo_electronico posta_elettronica"),
    "phone numbers": _named(
        "phone telephone telefon telefono tel mobile handy portable movil cellulare fax"
    ),
    "postal addresses": _named(
        """address adresse anschrift street strasse rue direccion domicilio calle indirizzo
        domicile"""
    ),
    "bank accounts": _named("iban bic credit_card kreditkarte carte_bancaire tarjeta"),
    "numbers of documents": _named(
        """ssn social_security passport reisepass passeport pasaporte passaporto dni nie nif
        codice_fiscale steuer_?id sozialversicherungsnummer numero_de_securite_sociale"""
    ),
    "IP addresses": _named("ip"),
    BORN: _named(
        """dob birth birthday geburtstag geburtsdatum date_of_birth date_de_naissance naissance
        fecha_de_nacimiento nacimiento data_di_nascita nascita"""
    ),
}
TEXT_ONLY = re.compile("name|nom|nombre|nome")
EXPLAINED = re.compile(r"\(.*?\)|\[.*?\]|[:=].*")
HOW_WRITTEN = re.compile("(_(code|cd|desc|description|text|txt|label|value|raw|clean(ed)?))+$")
SPECIAL = {
    "sex": re.compile("(.*_)?(gender|sex|geschlecht|sexe|sexo|genero|sesso|genere)"),
    "origin": re.compile(
        """(.*_)?(ethnicity|ethnic_group|ethnie|ethnizitaet|nationality|nationalitaet|nationalite
        |nacionalidad|nazionalita|native_country|country_of_birth|birth_country|birthplace
        |staatsangehoerigkeit|herkunft|migrationshintergrund|origine_ethnique|etnia|skin_colou?r)""",
        re.VERBOSE,
    ),
    "religion": re.compile(
        "(.*_)?(religion|religious_affiliation|konfession|confession|religione|faith)"
    ),
    "health": re.compile(
        """(.*_)?(diagnos[ei]s?|disease|illness|disability|disabled|allergy|allergies|medication
        |blood_(type|group)|pregnant|pregnancy|hiv|medical_condition|health_(status|condition)
        |krankheit|krankheiten|behinderung|schwerbehindert|grad_der_behinderung|blutgruppe
        |schwanger|schwangerschaft|allergie|allergien|gesundheitszustand
        |maladie|diagnostic|handicap|groupe_sanguin|enceinte|traitement_medical
        |enfermedad|diagnostico|discapacidad|grupo_sanguineo|embarazo|embarazada|alergia
        |malattia|diagnosi|disabilita|gruppo_sanguigno|gravidanza|incinta)""",
        re.VERBOSE,
    ),
}

# What the values of few kinds are.
SEX = _words(
    """
    male female man woman männlich weiblich mann frau homme femme masculin féminin hombre
    mujer masculino femenino maschio femmina uomo donna m f
    """
)
UNSAID = _words("d divers diverse other non-binary nonbinary x u unknown andere autre")
RELIGIONS = _words(
    """
    christian catholic protestant orthodox muslim islam jewish hindu buddhist sikh atheist
    agnostic christlich katholisch römisch-katholisch evangelisch muslimisch islamisch
    jüdisch buddhistisch hinduistisch konfessionslos chrétien catholique protestante
    musulman juif bouddhiste athée cristiano católico católica musulmán judío budista ateo
    cattolico cattolica musulmano ebreo buddista ortodosso
    """
)
COLOURS = _words("white black brown weiß schwarz blanc noir blanco negro bianco nero")
ORIGINS = _words(
    """
    asian hispanic latino latina caucasian african african-american african_american arab
    indigenous mixed pacific-islander asian-pac-islander amer-indian-eskimo native-american
    native_american roma asiatisch afrikanisch asiatique africain asiático asiatico africano
    """
)

STREET = re.compile(
    r"""\d+[a-z]?,?\s.*\b(street|st|road|rd|avenue|ave|lane|ln|drive|dr|court|boulevard|blvd)\b.*
    | .*(straße|strasse|str\.|weg|gasse|platz|allee|damm|ufer)\s?\d+\s?[a-z]?(,.*|\s.*)?
    | (\d+(\s?(bis|ter))?,?\s)?(rue|avenue|boulevard|chemin|impasse|quai|allée)\s.+
    | (calle|c/|avenida|avda\.?|paseo)\s.+\d.*
    | (via|viale|corso|piazza|vicolo)\s.+\d.*""",
    re.VERBOSE | re.IGNORECASE,
)
WRITTEN_NAME = re.compile(r"[^\W\d_][\w'\u2019.-]*(,?\s[^\W\d_][\w'\u2019.-]*){0,3}")
NAMES = _words(
    """
    anna anne ann andrea andreas alexander alexandra alice ana antonio andrew angela amanda
    barbara ben benjamin bernd birgit brian camille carlos carmen catherine charles
    charlotte chloé chris christian christina christine claudia clara claire daniel daniela
    david deborah diego dieter donna dorothy edward elena elisabeth elizabeth ella emil
    emily emma eric eva felix fernando finn florian francesca francesco francisco françois
    frank franz fritz gabriel george giovanni giulia giuseppe greta hannah hans heike heinz
    helen helga henri henry hugo ingrid isabel jack jacques james jan jane javier jean
    jennifer jessica jim joão john jonas jose josé joseph joshua juan jules julia julie
    julien jürgen karen karl katharina kevin klaus lara laura lea léa leon léo lena linda
    lisa lorenzo louis louise luca lucas lucía luis luisa lukas manuel marc marco margaret
    maria maría marie mario mark markus marta martin martina mary mateo matteo matthew max
    maximilian melissa mia michael michelle miguel monika nancy nathalie nicolas nicole nina
    noah olivia pablo patricia patrick paul paula pedro peter petra philippe pierre rachel
    rafael ralf rebecca renate richard robert roberto ronald rosa ruth sabine samuel sandra
    sara sarah sergio simon sofia sofía sophia sophie stefan steffen stephanie steven susan
    susanne teresa thomas tim tom uwe ursula valentina victoria walter werner william
    wolfgang yves smith johnson williams brown jones davis miller wilson taylor clark lewis
    walker müller schmidt schneider fischer weber meyer wagner becker schulz hoffmann koch
    bauer richter klein wolf schröder neumann schwarz zimmermann dupont durand dubois moreau
    laurent lefebvre leroy roux petit bernard garcía gonzález rodríguez fernández lópez
    martínez sánchez pérez gómez rossi russo ferrari esposito bianchi romano colombo ricci
    marino greco bruno gallo conti costa
    """
)


def personal_data(
    relation: duckdb.DuckDBPyRelation, columns: Mapping[str, Facts], target: str | None
) -> tuple[dict[str, str], list[str]]:
    """Say what the columns with personal data hold, by their names, and what else to know.

    Where the table is about health, what it says of it is what there is to learn from.
    """
    values = _some_values(relation, columns)
    found = {
        name: what
        for name, facts in columns.items()
        if name != target
        if facts.present and (what := _what(facts, values.get(name, [])))
    }
    born = [name for name, what in found.items() if what == BORN and is_birth(columns[name])]
    found = {name: what for name, what in found.items() if name not in born}
    said = [
        f"{columns[name].source}: a date of birth is personal data; kept, as age tells much: "
        'role = "ignore" leaves it out'
        for name in born
    ]
    ill = [name for name, what in found.items() if what == "health"]
    about_health = target is not None and SPECIAL["health"].fullmatch(_called(target))
    if not ill or not (about_health or len(ill) >= SUBJECT):
        return found, said
    sources = ", ".join(columns[name].source for name in ill)
    about = (
        f"{sources}: about people's health, a special category of personal data, and what this "
        "table is about: kept as features; see that decisions may rest on it"
    )
    return {name: what for name, what in found.items() if name not in ill}, [*said, about]


def is_birth(facts: Facts) -> bool:
    """Whether it holds dates of birth: an age, and no order of rows."""
    return facts.kind == "datetime" and bool(CONTACT[BORN].fullmatch(_called(facts.source)))


def is_special(what: str) -> bool:
    """Whether data on this may found a decision in exceptions only."""
    return what in SPECIAL


def _called(source: str) -> str:
    """Give what a column is named after, without what explains how it is written.

    "Sex (1=M, 2=F)" and "gender_code" are about what "sex" is about.
    """
    return HOW_WRITTEN.sub("", snake_case(EXPLAINED.sub(" ", source)))


def _what(facts: Facts, values: list[str]) -> str:
    return _by_name(facts, values) or _by_value(facts, values)


def _by_name(facts: Facts, values: list[str]) -> str:
    name = _called(facts.source)
    if what := next((what for what, named in SPECIAL.items() if named.fullmatch(name)), ""):
        return what
    if facts.kind == "boolean":
        return ""  # whether somebody has a phone names nobody
    if TEXT_ONLY.fullmatch(name) and facts.kind == "text" and not _numbered(values):
        return "names"
    return next((what for what, named in CONTACT.items() if named.fullmatch(name)), "")


def _by_value(facts: Facts, values: list[str]) -> str:
    if facts.personal or facts.kind != "text":
        return facts.personal
    if facts.distinct <= MOST_CATEGORIES and (what := _special(facts.classes)):
        return what
    if len(values) >= SUBJECT:
        if _most(values, lambda value: STREET.fullmatch(value) is not None):
            return "postal addresses"
        if _most(values, _is_name):
            return "names"
    return ""


def _special(classes: Collection[str]) -> str:
    kinds = {value.casefold() for value in classes}
    if len(kinds & SEX) > 1 and kinds <= SEX | UNSAID:
        return "sex"
    if len(kinds & RELIGIONS) > 1 and _most(kinds, RELIGIONS.__contains__):
        return "religion"
    if kinds & ORIGINS and _most(kinds, (ORIGINS | COLOURS).__contains__):
        return "origin"
    return ""


def _is_name(value: str) -> bool:
    if not value[:1].isupper() or not WRITTEN_NAME.fullmatch(value):
        return False
    return not NAMES.isdisjoint(re.findall(r"[^\W\d_]+", value.casefold()))


def _numbered(values: Collection[str]) -> bool:
    """Whether many hold a digit, as names of cars and wares do, and nobody's does."""
    return NUMBERED * sum(any(map(str.isdecimal, value)) for value in values) > len(values)


def _most(values: Collection[str], test: Callable[[str], bool]) -> bool:
    return 2 * sum(map(test, values)) >= len(values)


def _some_values(
    relation: duckdb.DuckDBPyRelation, columns: Mapping[str, Facts]
) -> dict[str, list[str]]:
    """Give some different values of each column of texts, by its name."""
    texts = [name for name, facts in columns.items() if facts.kind == "text" and facts.present]
    asked = [Asked({}, [f"list(DISTINCT {columns[name].text})"]) for name in texts]
    return {
        name: [value for value in found or () if value is not None][:LOOKED_AT_VALUES]
        for name, found in zip(texts, scan(relation.limit(LOOKED_AT_ROWS), asked), strict=True)
    }
