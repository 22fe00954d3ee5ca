package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Way is how far the way to a host was gone.
type Way struct {
	Findings []Finding
	// Ahead is how far the host's clock is ahead of ours, when it said its time.
	Ahead time.Duration
	Timed bool
}

// A certificate that ends sooner than this is a warning.
const certSoon = 14 * 24 * time.Hour

// Dialer goes the way to a host; its fields are replaced in tests.
type Dialer struct {
	Proxy func(*http.Request) (*url.URL, error) // nil: the environment's
	TLS   *tls.Config
	Now   func() time.Time
}

// Go asks the host of a base URL for its front page, without credentials: name, address,
// TLS, proxy and clock. Only the host is told, since a URL may carry more.
func (d Dialer) Go(ctx context.Context, of, base string) Way {
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Proxy == nil {
		d.Proxy = http.ProxyFromEnvironment
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" {
		return Way{Findings: []Finding{find(Reach, of, Fail, "url")}}
	}
	host := u.Host
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, u.Scheme+"://"+host+"/", nil)
	if err != nil {
		return Way{Findings: []Finding{find(Reach, of, Fail, "url")}}
	}
	through := ""
	if p, err := d.Proxy(req); err == nil && p != nil {
		through = p.Host
	}
	t := &http.Transport{Proxy: d.Proxy, TLSClientConfig: d.TLS, DisableKeepAlives: true, TLSHandshakeTimeout: 8 * time.Second,
		DialContext: (&net.Dialer{Timeout: 8 * time.Second}).DialContext}
	client := &http.Client{Transport: t, Timeout: 15 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	began := d.Now()
	resp, err := client.Do(req)
	ended := d.Now()
	if err != nil {
		return Way{Findings: []Finding{lost(of, host, through, err)}}
	}
	_ = resp.Body.Close()
	took := ended.Sub(began).Round(time.Millisecond).String()
	w := Way{}
	if through != "" {
		w.Findings = append(w.Findings, find(Reach, of, Fine, "proxy", host, took, through))
	} else {
		w.Findings = append(w.Findings, find(Reach, of, Fine, "fine", host, took))
	}
	if resp.TLS != nil && len(resp.TLS.PeerCertificates) > 0 {
		if left := resp.TLS.PeerCertificates[0].NotAfter.Sub(ended); left < certSoon {
			w.Findings = append(w.Findings, find(Reach, of, Warn, "cert_soon", host, left.Round(time.Hour).String()))
		}
	}
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		// A date is cut to its second; it was written somewhere between asking and answer.
		w.Ahead, w.Timed = at.Add(500*time.Millisecond).Sub(began.Add(ended.Sub(began)/2)), true
	}
	return w
}

// lost says where the way to a host ended.
func lost(of, host, through string, err error) Finding {
	var dns *net.DNSError
	var op *net.OpError
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var authority x509.UnknownAuthorityError
	switch {
	case through != "" && errors.As(err, &op) && op.Op == "proxyconnect", through != "" && errors.As(err, &dns):
		return find(Reach, of, Fail, "proxy_lost", host, through)
	case errors.As(err, &dns):
		return find(Reach, of, Fail, "dns", host)
	case errors.As(err, &cert), errors.As(err, &record), errors.As(err, &authority):
		return find(Reach, of, Fail, "tls", host, tail(err))
	case errors.As(err, &op) && op.Op == "dial":
		return find(Reach, of, Fail, "tcp", host, tail(op.Err))
	}
	return find(Reach, of, Fail, "lost", host, tail(err))
}

// tail is an error without the URL that net/http puts before it.
func tail(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return err.Error()
}
