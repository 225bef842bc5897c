package main

import (
	"bytes"
	"encoding/pem"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// rootCertificates returns the CA certificates that Mozilla trusts, as PEM. The Go module golang.org/x/crypto/x509roots/fallback has
// them, so that the image depends on no package of a distribution. Certificates that Mozilla trusts only in part, such as those issued
// before some date, are left out: a PEM file cannot say so. AWS uses none of them: https://www.amazontrust.com/repository/
func rootCertificates() []byte {
	var file bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			file.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}))
		}
	}
	return file.Bytes()
}
