# SPDX-License-Identifier: LGPL-2.1-or-later
# tls-functions.sh: certificates and keys for tests.  Sourced after functions.sh.

requires certtool --version
requires psktool --version

# make_authority NAME: an authority with its key in NAME-key.pem.
make_authority ()
{
  certtool --generate-privkey --ecc --outfile "$1-key.pem" 2>/dev/null
  printf '%s\n' "cn = $1" ca cert_signing_key >"$1.info"
  certtool --generate-self-signed --load-privkey "$1-key.pem" \
    --template "$1.info" --outfile "$1-cert.pem" 2>/dev/null
}

# make_certificate AUTHORITY KIND FOLDER CN [LINE...]: FOLDER/KIND-cert.pem and
# its key, KIND being server or client, with the authority's certificate.
make_certificate ()
{
  local authority=$1 kind=$2 folder=$3 cn=$4
  shift 4
  mkdir -p "$folder"
  cp "$authority-cert.pem" "$folder/ca-cert.pem"
  printf '%s\n' "cn = $cn" "tls_www_$kind" signing_key "$@" >"$folder/$kind.info"
  certtool --generate-privkey --ecc --outfile "$folder/$kind-key.pem" 2>/dev/null
  certtool --generate-certificate --load-ca-certificate "$authority-cert.pem" \
    --load-ca-privkey "$authority-key.pem" \
    --load-privkey "$folder/$kind-key.pem" --template "$folder/$kind.info" \
    --outfile "$folder/$kind-cert.pem" 2>/dev/null
}

# make_pki: server/ and client/ by one authority, and clients who are not what
# they should be: foreign/ (another authority), expired/, none/ (no certificate),
# misused/ (a certificate for servers only).
make_pki ()
{
  make_authority ca
  make_authority other
  make_certificate ca server server localhost 'dns_name = localhost'
  make_certificate ca client client backup1 'organization = Example'
  make_certificate ca client expired late \
    'activation_date = "2020-01-01 00:00:00"' \
    'expiration_date = "2020-02-01 00:00:00"'
  make_certificate other client foreign backup1 'organization = Example'
  cp ca-cert.pem foreign/ca-cert.pem
  make_certificate ca server misused backup1 'organization = Example'
  mv misused/server-cert.pem misused/client-cert.pem
  mv misused/server-key.pem misused/client-key.pem
  mkdir none
  cp ca-cert.pem none/
  mkdir distrust # a client that trusts only the other authority
  cp other-cert.pem distrust/ca-cert.pem
  cp client/client-*.pem distrust/
}
