"""Countries by continent, as in the United Nations' M49 list."""

from typing import Final

_COUNTRIES: Final = {
    "Africa": "AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG ER ET GA GH GM GN GQ GW KE KM LR LS LY MA"
    " MG ML MR MU MW MZ NA NE NG RW SC SD SL SN SO SS ST SZ TD TG TN TZ UG ZA ZM ZW",
    "Asia": "AE AF AM AZ BD BH BN BT CN CY GE HK ID IL IN IQ IR JO JP KG KH KP KR KW KZ LA LB LK MM"
    " MN MO MV MY NP OM PH PK PS QA SA SG SY TH TJ TL TM TR TW UZ VN YE",
    "Europe": "AD AL AT BA BE BG BY CH CZ DE DK EE ES FI FR GB GI GR HR HU IE IS IT LI LT LU LV MC"
    " MD ME MK MT NL NO PL PT RO RS RU SE SI SK SM UA VA XK",
    "Latin America": "AG AR AW BB BO BR BS BZ CL CO CR CU DM DO EC GD GT GY HN HT JM KN KY LC MX NI"
    " PA PE PR PY SR SV TT UY VC VE",
    "Northern America": "BM CA GL US",
    "Oceania": "AU FJ FM KI MH NR NZ PG PW SB TO TV VU WS",
}
_REGION: Final = {
    country: region for region, countries in _COUNTRIES.items() for country in countries.split()
}
ELSEWHERE: Final = "elsewhere"


def region_of(country: str) -> str:
    """The continent of an ISO 3166-1 alpha-2 code."""
    return _REGION.get(country, ELSEWHERE)
