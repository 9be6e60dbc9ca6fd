package main

import (
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/gopgcache/pgcache/cachestore/peer"
	"github.com/gopgcache/pgcache/dsn"
)

// object is as much of an object of Kubernetes as the test looks at.
type object struct {
	Kind     string
	Metadata struct{ Name string }
	Spec     struct {
		ClusterIP   string `yaml:"clusterIP"`
		Replicas    int
		Ports       []struct{ Port int }
		Selector    map[string]any
		PodSelector selector `yaml:"podSelector"`
		Template    struct {
			Metadata struct{ Labels map[string]any }
			Spec     pod
		}
		Ingress []struct {
			From []struct {
				PodSelector selector `yaml:"podSelector"`
			}
			Ports []struct{ Port int }
		}
	}
	StringData map[string]string `yaml:"stringData"`
}

type selector struct {
	MatchLabels map[string]any `yaml:"matchLabels"`
}

type pod struct {
	Containers []struct {
		Image          string
		Env            []struct{ Name, Value string }
		ReadinessProbe map[string]any `yaml:"readinessProbe"`
		Resources      struct{ Limits map[string]string }
		VolumeMounts   []struct {
			Name      string
			MountPath string `yaml:"mountPath"`
		} `yaml:"volumeMounts"`
	}
	Volumes []struct {
		Name   string
		Secret struct {
			SecretName string `yaml:"secretName"`
		}
	}
}

// manifest reads kubernetes.yaml: each kind is there once.
func manifest(t *testing.T) map[string]object {
	t.Helper()
	file, err := os.Open("kubernetes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	objects := make(map[string]object)
	for documents := yaml.NewDecoder(file); ; {
		var o object
		switch err := documents.Decode(&o); {
		case errors.Is(err, io.EOF):
			return objects
		case err != nil:
			t.Fatal(err)
		}
		if _, twice := objects[o.Kind]; twice || o.Metadata.Name == "" {
			t.Fatalf("a second %s, or one without a name", o.Kind)
		}
		objects[o.Kind] = o
	}
}

// connString is the DATABASE_URL as a pod with this address sees it.
func connString(t *testing.T, p pod, address string) *dsn.Config {
	t.Helper()
	known := false
	for _, env := range p.Containers[0].Env {
		known = known || env.Name == "POD_IP"
		if env.Name != "DATABASE_URL" {
			continue
		}
		if !known {
			t.Error("POD_IP must stand before what uses it")
		}
		config, err := dsn.Parse(strings.ReplaceAll(env.Value, "$(POD_IP)", address))
		if err != nil {
			t.Fatal(err)
		}
		return config
	}
	t.Fatal("no DATABASE_URL")
	return nil
}

// What the manifest says in several places agrees, and the connection string is one that the driver takes.
func TestManifest(t *testing.T) {
	objects := manifest(t)
	service, deployment, policy, secret := objects["Service"], objects["Deployment"], objects["NetworkPolicy"], objects["Secret"]
	p := deployment.Spec.Template.Spec
	config := connString(t, p, "10.1.2.3")
	if err := config.Unsupported(); err != nil {
		t.Error(err)
	}
	if _, err := config.ConnConfig(); err != nil {
		t.Error(err)
	}
	check := func(what string, got, want any) {
		t.Helper()
		if got != want {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}
	check("rule", config.Rules[0].String(), "hot: table=products ttl=10m")
	check("store", config.Store, dsn.StorePeer)
	check("peers", strings.Join(config.Peers, ","), "dns://"+service.Metadata.Name+":7700")
	check("self", config.PeerSelf, "http://10.1.2.3:7700")
	check("listen", config.PeerListen, ":7700")
	check("secret's directory", path.Dir(config.PeerSecretFile), p.Containers[0].VolumeMounts[0].MountPath)
	check("volume", p.Volumes[0].Name, p.Containers[0].VolumeMounts[0].Name)
	check("volume's secret", p.Volumes[0].Secret.SecretName, secret.Metadata.Name)
	check("cluster IP", service.Spec.ClusterIP, "None")
	check("service's port", service.Spec.Ports[0].Port, 7700)
	check("replicas", deployment.Spec.Replicas, 3)
	check("image", p.Containers[0].Image, "your-service:latest")
	check("probe", p.Containers[0].ReadinessProbe != nil, true)
	check("memory limit", p.Containers[0].Resources.Limits["memory"], "512Mi")
	app := deployment.Spec.Template.Metadata.Labels["app"]
	check("service's pods", service.Spec.Selector["app"], app)
	check("policy's pods", policy.Spec.PodSelector.MatchLabels["app"], app)
	for _, rule := range policy.Spec.Ingress {
		if rule.Ports[0].Port == 7700 {
			check("who may ask peers", rule.From[0].PodSelector.MatchLabels["app"], app)
		}
	}
	check("who may call", len(policy.Spec.Ingress), 2)
}

// The secret in the file is none: whoever forgets to replace it gets an error.
func TestManifestsSecretIsRefused(t *testing.T) {
	text := manifest(t)["Secret"].StringData["secret"]
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := peer.ReadSecret(file); err == nil || text == "" {
		t.Errorf("%q is taken", text)
	}
}
