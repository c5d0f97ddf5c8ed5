"""Stapled OCSP responses: those that a client would accept, and no others."""

import datetime
import re
import subprocess

import patience
import pytest
from authority import Authority, pem
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp

DAY = datetime.timedelta(days=1)


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path, "authority")


@pytest.fixture
def pair(authority):
    return authority.issue("a", ["a.test"], 10)


def certificate_of(pair):
    with open(pair["chain"], "rb") as file:
        return x509.load_pem_x509_certificate(file.read())


def answer(
    certificate,
    authority,
    status="GOOD",
    begins=-DAY,
    lasts=2 * DAY,
    algorithm=hashes.SHA1(),
    signer=None,
    issuer=None,
    includes=(),
):
    """An OCSP response in DER, signed by the authority or by a (certificate, key) of another responder."""
    now = datetime.datetime.now(datetime.timezone.utc)
    revoked = now - DAY if status == "REVOKED" else None
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=certificate,
        issuer=(issuer or authority).certificate,
        algorithm=algorithm,
        cert_status=ocsp.OCSPCertStatus[status],
        this_update=now + begins,
        next_update=now + begins + lasts if lasts else None,
        revocation_time=revoked,
        revocation_reason=None,
    )
    responder, key = signer or (authority.certificate, authority.key)
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, responder)
    included = [*([responder] if signer else []), *includes]
    if included:
        builder = builder.certificates(included)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def responder(authority, is_charged):
    """A certificate for a responder; the authority may have authorized it for OCSP (RFC 6960 4.2.2.2)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "responder")])
    builder = authority.builder(name, key, 77, 30)
    if is_charged:
        builder = builder.add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.OCSP_SIGNING]), False)
    return builder.sign(authority.key, hashes.SHA256()), key


@pytest.fixture
def start(start_gateway, authority, pair, tmp_path):
    """A function that starts a gateway with this response for its only certificate."""

    def start(response, **keys):
        file = tmp_path / "a.ocsp"
        file.write_bytes(response)
        certificate = {**pair, "ocsp": str(file), "ca": str(authority.file), **keys}
        site = {
            "hosts": ["a.test"],
            "certificates": [{key: value for key, value in certificate.items() if value}],
            "routes": [{"path": "/", "respond": {}}],
        }
        return start_gateway(sites=[site], listeners={"secure": {"bind": ["127.0.0.1:0"], "tls": {}}})

    return start


def is_stapled(server):
    outcome = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{server.ports['secure']}", "-servername", "a.test", "-status"],
        input="",
        capture_output=True,
        text=True,
        timeout=patience.seconds(20),
    )
    assert ("OCSP Response Status: successful" in outcome.stdout) != ("OCSP response: no response sent" in outcome.stdout)
    return "OCSP Response Status: successful" in outcome.stdout


def expect_refused(server, pattern):
    """No response is stapled, and both the log and `check` report the reason."""
    assert not is_stapled(server)
    server.log.wait_for(rf" warning: .*a\.ocsp: is not stapled.*{pattern}")
    outcome = server.command("check")
    assert outcome.returncode == 0
    assert re.search(rf"warning: .*a\.ocsp: is not stapled.*{pattern}", outcome.stderr), outcome.stderr


@pytest.mark.parametrize("algorithm", [hashes.SHA1(), hashes.SHA256()])
def test_a_good_answer_is_stapled(start, authority, pair, algorithm):
    server = start(answer(certificate_of(pair), authority, algorithm=algorithm))
    assert is_stapled(server)
    assert "stapled" not in server.command("check").stderr


def test_an_answer_without_an_end_is_stapled(start, authority, pair):
    assert is_stapled(start(answer(certificate_of(pair), authority, lasts=None)))


def test_the_issuer_may_be_in_the_chain(start, authority, pair, tmp_path):
    with open(pair["chain"], "ab") as chain:
        chain.write(pem(authority.certificate))
    assert is_stapled(start(answer(certificate_of(pair), authority), ca=None))


def test_where_the_issuer_is_not_at_hand_the_signature_is_believed_with_a_warning(start, authority, pair):
    server = start(answer(certificate_of(pair), authority), ca=None)
    assert is_stapled(server)
    server.log.wait_for("is stapled without its signature being verified: the certificate of CN=authority is not at hand")


def test_the_issuer_may_be_in_the_response(start, authority, pair):
    response = bytearray(answer(certificate_of(pair), authority, includes=[authority.certificate]))
    server = start(bytes(response), ca=None)
    assert is_stapled(server)
    assert "stapled" not in server.command("check").stderr


@pytest.mark.parametrize("is_charged", [False, True], ids=["the issuer", "a responder"])
def test_an_answer_with_a_changed_signature_is_not_stapled_where_the_response_has_its_signer(
    start, authority, pair, is_charged
):
    signer = responder(authority, is_charged=True) if is_charged else (authority.certificate, authority.key)
    response = bytearray(answer(certificate_of(pair), authority, signer=signer))
    # The signature lies in front of the certificates.
    response[response.index(signer[0].public_bytes(serialization.Encoding.DER)) - 20] ^= 1
    expect_refused(start(bytes(response), ca=None), "its signature cannot be verified")


def test_a_responder_that_the_authority_has_charged_is_believed(start, authority, pair):
    signer = responder(authority, is_charged=True)
    assert is_stapled(start(answer(certificate_of(pair), authority, signer=signer)))


def test_any_other_responder_is_not(start, authority, pair):
    signer = responder(authority, is_charged=False)
    expect_refused(start(answer(certificate_of(pair), authority, signer=signer)), "its signature cannot be verified")


@pytest.mark.parametrize("ca", ["given", None])
def test_an_answer_about_another_certificate_is_not_stapled(start, authority, pair, ca):
    other = certificate_of(authority.issue("b", ["a.test"], 11))
    keys = {} if ca else {"ca": None}
    expect_refused(start(answer(other, authority), **keys), r"it is about another certificate \(serial 0B\)")


@pytest.mark.parametrize("ca", ["given", None])
def test_an_answer_about_another_issuers_certificate_of_that_number_is_not_stapled(start, authority, pair, tmp_path, ca):
    stranger = Authority(tmp_path, "stranger")
    response = answer(certificate_of(stranger.issue("b", ["a.test"], 10)), authority, issuer=stranger)
    expect_refused(start(response, **({} if ca else {"ca": None})), "it is about another certificate")


@pytest.mark.parametrize(
    "status, pattern", [("REVOKED", "it says that the certificate was revoked on 20"), ("UNKNOWN", "does not know")]
)
def test_an_answer_that_the_certificate_is_not_good_is_not_stapled(start, authority, pair, status, pattern):
    expect_refused(start(answer(certificate_of(pair), authority, status)), pattern)


def test_an_answer_from_tomorrow_is_not_stapled_yet(start, authority, pair):
    expect_refused(start(answer(certificate_of(pair), authority, begins=DAY)), "it is not valid before 20")


def test_an_answer_that_has_expired_is_not_stapled(start, authority, pair):
    expect_refused(start(answer(certificate_of(pair), authority, begins=-2 * DAY, lasts=DAY)), "it expired on 20")


@pytest.mark.parametrize("offset", [-1, -20])
def test_an_answer_with_a_changed_signature_is_not_stapled(start, authority, pair, offset):
    response = bytearray(answer(certificate_of(pair), authority))
    response[offset] ^= 1
    expect_refused(start(bytes(response)), "its signature cannot be verified")


def test_an_answer_of_a_stranger_is_not_stapled(start, authority, pair, tmp_path):
    stranger = Authority(tmp_path, "stranger")
    response = answer(certificate_of(pair), stranger, issuer=authority)
    expect_refused(start(response), "its signature cannot be verified")


@pytest.mark.parametrize(
    "response, pattern",
    [
        (b"", "not an OCSP response in DER"),
        (b"no", "not an OCSP response in DER"),
        (b"\x30\x03\x0a\x01\x06", "the responder answered unauthorized"),
        (b"\x30\x03\x0a\x01\x03", "the responder answered trylater"),
    ],
)
def test_what_is_no_answer_is_not_stapled(start, response, pattern):
    expect_refused(start(response), pattern)


def test_a_response_that_is_cut_short_is_not_stapled(start, authority, pair):
    expect_refused(start(answer(certificate_of(pair), authority)[:-10]), "not an OCSP response in DER")
