// Renders the chart where there is no Helm: Go's text/template with Sprig is Helm's own engine, and the functions below
// are those that Helm adds and this chart uses. It reads no values.schema.json; ChartValuesTests does.
//
//	go run render.go CHART RELEASE NAMESPACE [VALUES.yaml ...]
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

var separator = regexp.MustCompile(`(?m)^---$`)

func main() {
	if len(os.Args) < 4 {
		fail(errors.New("usage: render.go CHART RELEASE NAMESPACE [VALUES.yaml ...]"))
	}
	chart, release, namespace := os.Args[1], os.Args[2], os.Args[3]

	values := read(filepath.Join(chart, "values.yaml"))
	for _, file := range os.Args[4:] {
		merge(values, read(file))
	}

	metadata := read(filepath.Join(chart, "Chart.yaml"))
	about := map[string]interface{}{}
	for key, value := range metadata {
		about[strings.ToUpper(key[:1])+key[1:]] = value
	}
	data := map[string]interface{}{
		"Values":   values,
		"Chart":    about,
		"Release":  map[string]interface{}{"Name": release, "Namespace": namespace, "Service": "Helm", "IsInstall": true, "IsUpgrade": false, "Revision": 1},
		"Template": map[string]interface{}{"BasePath": about["Name"].(string) + "/templates"},
	}

	engine := template.New("chart").Option("missingkey=zero")
	functions := sprig.TxtFuncMap()
	functions["toYaml"] = func(value interface{}) string {
		text, err := yaml.Marshal(value)
		if err != nil {
			return ""
		}
		return strings.TrimSuffix(string(text), "\n")
	}
	functions["include"] = func(name string, data interface{}) (string, error) {
		var text strings.Builder
		err := engine.ExecuteTemplate(&text, name, data)
		return text.String(), err
	}
	functions["tpl"] = func(text string, data interface{}) (string, error) {
		inner, err := template.Must(engine.Clone()).New("tpl").Parse(text)
		if err != nil {
			return "", err
		}
		var result strings.Builder
		err = inner.Execute(&result, data)
		return result.String(), err
	}
	functions["required"] = func(message string, value interface{}) (interface{}, error) {
		if value == nil || value == "" {
			return nil, errors.New(message)
		}
		return value, nil
	}
	functions["fail"] = func(message string) (string, error) { return "", errors.New(message) }
	engine.Funcs(functions)

	var files []string
	root := filepath.Join(chart, "templates")
	fail(filepath.Walk(root, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			files = append(files, path)
		}
		return err
	}))
	sort.Strings(files)
	name := func(file string) string {
		return about["Name"].(string) + "/" + filepath.ToSlash(must(filepath.Rel(chart, file)))
	}
	for _, file := range files {
		_, err := engine.New(name(file)).Parse(string(must(os.ReadFile(file))))
		fail(err)
	}
	for _, file := range files {
		if strings.HasPrefix(filepath.Base(file), "_") || !strings.HasSuffix(file, ".yaml") {
			continue
		}
		data["Template"].(map[string]interface{})["Name"] = name(file)
		var text bytes.Buffer
		fail(engine.ExecuteTemplate(&text, name(file), data))
		for _, document := range separator.Split(strings.ReplaceAll(text.String(), "<no value>", ""), -1) {
			if document = strings.TrimSpace(document); document != "" {
				fmt.Printf("---\n# Source: %s\n%s\n", name(file), document)
			}
		}
	}
}

// A null in later values removes the key, as in Helm.
func merge(into, from map[string]interface{}) {
	for key, value := range from {
		inner, isMap := value.(map[string]interface{})
		outer, wasMap := into[key].(map[string]interface{})
		switch {
		case value == nil:
			delete(into, key)
		case isMap && wasMap:
			merge(outer, inner)
		default:
			into[key] = value
		}
	}
}

func read(file string) map[string]interface{} {
	values := map[string]interface{}{}
	fail(yaml.Unmarshal(must(os.ReadFile(file)), &values))
	return values
}

func must[T any](value T, err error) T {
	fail(err)
	return value
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}
