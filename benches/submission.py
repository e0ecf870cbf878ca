"""One application as a village kiosk submits it: what G2 measures."""
import json
import pathlib

STATION = "340321101200:village.station"
RIGHT = '"userErrors":[]'
DOCUMENT = """mutation Submit($input: SubmitCaseInput!) {
  submitCase(input: $input) {
    case { id trackingCode version }
    receipt { id kind trackingCode }
    trackingSecret
    userErrors { message field }
  }
}"""


def prepare(gateway):
    """A kiosk's token, and the function that makes the input of one application from an idempotency key."""
    token = gateway.token("--role", "kiosk", "--organization", STATION)

    def command(key):
        return {
            "idempotencyKey": str(key),
            "serviceItem": "pension-enroll",
            "applicant": {"kind": "PERSON", "name": "裘稻香", "idType": "RESIDENT_ID", "idNumber": "340322197803150016", "phone": "19900010001"},
            "form": {"name": "裘稻香", "idNo": "340322197803150016", "mobile": "19900010001", "hukou": "340321101200", "level": "200"},
            "materials": [
                {"code": "id", "trust": "C"},
                {"code": "hk", "trust": "C"},
                {"code": "bankc", "trust": "D"},
            ],
        }

    return token, command
