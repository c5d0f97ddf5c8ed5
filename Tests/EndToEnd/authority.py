"""A certificate authority for tests."""

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


class Authority:
    """Issues certificates into a folder; with an `issuer`, another authority, an intermediate one."""

    def __init__(self, folder, name, issuer=None):
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        signer = issuer or self
        builder = signer.builder(self.name, self.key, 1, 30)
        builder = builder.add_extension(x509.BasicConstraints(True, None), True).add_extension(usage, True)
        self.certificate = builder.sign(signer.key, hashes.SHA256())
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(pem(self.certificate))

    def builder(self, subject, key, serial, days):
        now = datetime.datetime.now(datetime.timezone.utc)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(serial)
            .not_valid_before(now - datetime.timedelta(days=40))
            .not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False)
        )

    def issue(self, file, names, serial, days=30, key=None, revocations=None, has_common_name=True):
        """Writes FILE.pem and FILE.key and returns them as a configuration names them.

        `revocations` is the URL of a revocation list.
        """
        key = key or ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])] if has_common_name else [])
        alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        certificate = self.builder(subject, key, serial, days).add_extension(alternatives, False)
        if revocations:
            place = x509.DistributionPoint([x509.UniformResourceIdentifier(revocations)], None, None, None)
            certificate = certificate.add_extension(x509.CRLDistributionPoints([place]), False)
        chain, secret = self.folder / f"{file}.pem", self.folder / f"{file}.key"
        chain.write_bytes(pem(certificate.sign(self.key, hashes.SHA256())))
        form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
        return {"chain": str(chain), "key": str(secret)}

    def revoke(self, serial):
        now = datetime.datetime.now(datetime.timezone.utc)
        revoked = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now).build()
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.name).last_update(now)
        builder = builder.next_update(now + datetime.timedelta(days=1)).add_revoked_certificate(revoked)
        file = self.folder / "revoked.pem"
        file.write_bytes(pem(builder.sign(self.key, hashes.SHA256())))
        return str(file)


def pem(thing):
    return thing.public_bytes(serialization.Encoding.PEM)
