package https

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"slices"
	"strings"
)

// dnOf writes a name as mod_ssl does: RFC 2253 with OpenSSL's short names, the last part first, and
// UTF-8 as it is. raw is its DER; what cannot be read is empty.
func dnOf(raw []byte) string {
	var name pkix.RDNSequence
	if rest, err := asn1.Unmarshal(raw, &name); err != nil || len(rest) > 0 {
		return ""
	}
	var b strings.Builder
	for _, set := range slices.Backward(name) {
		separator := byte(',')
		for _, a := range slices.Backward(set) {
			if b.Len() > 0 {
				b.WriteByte(separator)
			}
			separator = '+'
			appendAttribute(&b, &a)
		}
	}
	return b.String()
}

func appendAttribute(b *strings.Builder, a *pkix.AttributeTypeAndValue) {
	short, known := shortNames[a.Type.String()]
	text, isText := a.Value.(string)
	if !known {
		short = a.Type.String()
	}
	b.WriteString(short)
	b.WriteByte('=')
	if !known || !isText {
		der, _ := asn1.Marshal(a.Value)
		b.WriteString("#" + strings.ToUpper(hex.EncodeToString(der)))
		return
	}
	for i, c := range []byte(text) {
		switch {
		case c < ' ' || c == 0x7f:
			b.WriteString("\\" + strings.ToUpper(hex.EncodeToString([]byte{c})))
			continue
		case strings.IndexByte(`,+"\<>;`, c) >= 0, i == 0 && (c == ' ' || c == '#'), i == len(text)-1 && c == ' ':
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
}

// emailAddress is the attribute of PKCS #9.
const emailAddress = "1.2.840.113549.1.9.1"

// shortNames are OpenSSL's.
var shortNames = map[string]string{
	"2.5.4.3": "CN", "2.5.4.4": "SN", "2.5.4.5": "serialNumber", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "street",
	"2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.12": "title", "2.5.4.13": "description", "2.5.4.15": "businessCategory", "2.5.4.17": "postalCode",
	"2.5.4.41": "name", "2.5.4.42": "GN", "2.5.4.43": "initials", "2.5.4.44": "generationQualifier", "2.5.4.45": "x500UniqueIdentifier",
	"2.5.4.46": "dnQualifier", "2.5.4.65": "pseudonym", "2.5.4.97": "organizationIdentifier",
	emailAddress: "emailAddress", "1.2.840.113549.1.9.2": "unstructuredName",
	"0.9.2342.19200300.100.1.1": "UID", "0.9.2342.19200300.100.1.25": "DC",
	"1.3.6.1.4.1.311.60.2.1.1": "jurisdictionL", "1.3.6.1.4.1.311.60.2.1.2": "jurisdictionST", "1.3.6.1.4.1.311.60.2.1.3": "jurisdictionC",
}

// emailOf is the address in a name; empty: it has none.
func emailOf(name *pkix.Name) string {
	for _, a := range name.Names {
		if s, ok := a.Value.(string); ok && a.Type.String() == emailAddress {
			return s
		}
	}
	return ""
}
