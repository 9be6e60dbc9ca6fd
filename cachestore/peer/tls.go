package peer

import (
	"crypto/tls"
	"crypto/x509"
	"net"
)

// verifyClient is what ClientAuth: RequireAndVerifyClientCert does.
func verifyClient(state *tls.ConnectionState, authority *x509.CertPool) error {
	if len(state.PeerCertificates) == 0 {
		return errNoCertificate
	}
	options := x509.VerifyOptions{
		Roots: authority, Intermediates: x509.NewCertPool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	for _, cert := range state.PeerCertificates[1:] {
		options.Intermediates.AddCert(cert)
	}
	_, err := state.PeerCertificates[0].Verify(options)
	return err
}

// clientTLS is for asking. Peers that a name stands for show certificates for that name, since nobody knows their addresses
// beforehand.
func clientTLS(c *Config) *tls.Config {
	conf := c.TLS.Clone()
	conf.MinVersion = max(conf.MinVersion, tls.VersionTLS12)
	conf.NextProtos = []string{"http/1.1"}
	if name := c.dnsName(); name != "" && conf.ServerName == "" {
		conf.ServerName, _, _ = net.SplitHostPort(name)
	}
	return conf
}
