package config

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/minihub/minihub/cmd/minihub/internal/oidc"
)

// People is `people` of hub.yaml: how sign-ins are kept.
type People struct {
	// Proxies are networks whose X-Forwarded-For and X-Forwarded-Proto are believed.
	Proxies []netip.Prefix
	Idle    time.Duration // a session ends when it is unused for so long
	Life    time.Duration // and so long after it began in any case
	OIDC    *oidc.Config  // nil: people sign in by name and password alone
}

type peopleFile struct {
	Proxies []text `yaml:"trusted_proxies"`
	Session struct {
		Idle text `yaml:"idle"`
		Life text `yaml:"life"`
	} `yaml:"session"`
	URL  text      `yaml:"url"`
	OIDC *oidcFile `yaml:"oidc"`
}

func (l *loader) people(f *peopleFile) People {
	p := People{Idle: l.duration(f.Session.Idle, hubName, 2*time.Hour), Life: l.duration(f.Session.Life, hubName, 12*time.Hour)}
	for _, t := range f.Proxies {
		network, err := netip.ParsePrefix(t.Value)
		if err != nil {
			var a netip.Addr
			if a, err = netip.ParseAddr(t.Value); err == nil {
				network = netip.PrefixFrom(a, a.BitLen())
			}
		}
		switch {
		case err != nil:
			l.add(t.Problem(CodeValue, hubName, fmt.Sprintf("people.trusted_proxies: %q is neither an address nor a network", t.Value), "write 10.0.0.7 or 10.0.0.0/24"))
		case network.Bits() == 0:
			l.add(t.Problem(CodeValue, hubName, "people.trusted_proxies: "+t.Value+" is everybody, who could then claim any address", "name the proxy's own address"))
		default:
			p.Proxies = append(p.Proxies, network.Masked())
		}
	}
	p.OIDC = l.oidc(f.OIDC, f.URL, l.reached(f.URL))
	if p.Life > 0 && p.Idle > p.Life {
		l.add(f.Session.Idle.Problem(CodeValue, hubName, "people.session.idle is longer than life, so it would never matter", "give a shorter idle or a longer life"))
	}
	return p
}
