package main

import (
	"io"
	"net"
	"net/url"
	"os"
	"path"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/gopgcache/pgcache/dsn"
)

// service is as much of a service as the test looks at.
type service struct {
	Image string
	Build struct {
		Context    string
		Dockerfile string
	}
	Command     []string
	Environment map[string]string
	Volumes     []string
	Ports       []string
}

func read(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func services(t *testing.T) map[string]service {
	t.Helper()
	var file struct{ Services map[string]service }
	read(t, "compose.yaml", &file)
	return file.Services
}

// The connection string is one that the driver takes, and its server is the one of the file.
func TestDatabaseURL(t *testing.T) {
	all := services(t)
	config, err := dsn.Parse(all["shop"].Environment["DATABASE_URL"])
	if err != nil {
		t.Fatal(err)
	}
	conn, err := config.ConnConfig()
	if err != nil {
		t.Fatal(err)
	}
	postgres, ok := all[conn.Host]
	if !ok || conn.Database != postgres.Environment["POSTGRES_DB"] || conn.Password != postgres.Environment["POSTGRES_PASSWORD"] {
		t.Errorf("%s@%s is not the server that is started", conn.Database, conn.Host)
	}
	if len(config.Rules) != 1 {
		t.Errorf("rules: %v", config.Rules)
	}
}

// What the files say about each other agrees: who is asked is a service, and listens where it is asked.
func TestAddresses(t *testing.T) {
	all := services(t)
	var prometheus struct {
		Scrape []struct {
			Static []struct{ Targets []string } `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}
	read(t, "prometheus.yml", &prometheus)
	var grafana struct {
		Datasources []struct{ Type, URL string }
	}
	read(t, "grafana/datasources.yml", &grafana)

	asked := []string{all["shop"].Environment["OTEL_EXPORTER_OTLP_ENDPOINT"], "http://" + prometheus.Scrape[0].Static[0].Targets[0]}
	for _, source := range grafana.Datasources {
		asked = append(asked, source.URL)
	}
	for _, address := range asked {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		s, ok := all[u.Hostname()]
		listens := strings.Join(s.Ports, " ") + " " + strings.Join(s.Command, " ")
		if !ok || !strings.Contains(listens+" ", ":"+u.Port()+" ") {
			t.Errorf("nobody listens at %s: %q", address, listens)
		}
	}
	o, err := parse(all["shop"].Command, io.Discard)
	if _, port, _ := net.SplitHostPort(o.listen); err != nil || !strings.HasSuffix(all["shop"].Ports[0], ":"+port) {
		t.Errorf("the shop listens at %s: %v", o.listen, err)
	}
}

// Every file that is named is there, and Grafana finds the dashboard where it is told to look.
func TestFiles(t *testing.T) {
	all := services(t)
	var grafana struct {
		Providers []struct{ Options struct{ Path string } }
	}
	read(t, "grafana/dashboards.yml", &grafana)
	found := false
	for name, s := range all {
		if s.Build.Context != "" {
			s.Volumes = append(s.Volumes, s.Build.Context+"/"+s.Build.Dockerfile)
		} else if _, tag, _ := strings.Cut(s.Image, ":"); tag == "" || tag == "latest" {
			t.Errorf("%s: %q has no version", name, s.Image)
		}
		for _, volume := range s.Volumes {
			source, rest, _ := strings.Cut(volume, ":")
			target, _, _ := strings.Cut(rest, ":")
			if info, err := os.Stat(source); err != nil || info.IsDir() {
				t.Errorf("%s: %s is not there: %v", name, source, err)
			}
			if path.Base(source) == "grafana.json" {
				found = path.Dir(target) == grafana.Providers[0].Options.Path &&
					target == s.Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
			}
		}
		for _, port := range s.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s is open to the world: %s", name, port)
			}
		}
	}
	if !found {
		t.Error("the dashboard is not where Grafana looks")
	}
}
