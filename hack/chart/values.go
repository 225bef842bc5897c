package main

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// value is a value of a chart: a leaf of values.yaml, or a map or list that is documented as a whole.
type value struct {
	// path names it as `helm --set` does.
	path string
	// text is the default, in YAML on one line.
	text string
	// description is the comment before it.
	description string
}

// parseValues returns the values of a values.yaml in their order. A map whose own key has no comment stands for the values in it, each
// of which has one.
func parseValues(text []byte) ([]value, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	if len(document.Content) != 1 || document.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("the file is not a map")
	}
	return valuesOf(document.Content[0], "")
}

// valuesOf returns the values of a map whose path is the prefix.
func valuesOf(node *yaml.Node, prefix string) ([]value, error) {
	var out []value
	for n := 0; n+1 < len(node.Content); n += 2 {
		key, child := node.Content[n], node.Content[n+1]
		path := prefix + key.Value
		description := describe(key.HeadComment)
		switch {
		case description == "" && child.Kind == yaml.MappingNode && len(child.Content) > 0:
			nested, err := valuesOf(child, path+".")
			if err != nil {
				return nil, err
			}
			out = append(out, nested...)
		case description == "":
			return nil, fmt.Errorf("%s has no comment: describe it in the lines before it", path)
		default:
			text, err := oneLine(child)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			out = append(out, value{path: path, text: text, description: description})
		}
	}
	return out, nil
}

// describe joins the lines of a comment. An earlier comment, separated by an empty line, is about the file.
func describe(comment string) string {
	paragraphs := strings.Split(strings.TrimSpace(comment), "\n\n")
	var words []string
	for line := range strings.Lines(paragraphs[len(paragraphs)-1]) {
		words = append(words, strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "#")))
	}
	return strings.TrimSpace(strings.Join(words, " "))
}

// oneLine returns a node in YAML's flow style.
func oneLine(node *yaml.Node) (string, error) {
	flow := withoutComments(node)
	flow.Style |= yaml.FlowStyle
	text, err := yaml.Marshal(&flow)
	return strings.Join(strings.Fields(string(text)), " "), err
}

// withoutComments returns a copy of a node without comments.
func withoutComments(node *yaml.Node) yaml.Node {
	out := *node
	out.HeadComment, out.LineComment, out.FootComment = "", "", ""
	out.Content = nil
	for _, child := range node.Content {
		plain := withoutComments(child)
		out.Content = append(out.Content, &plain)
	}
	return out
}

// table returns the values as a table in Markdown.
func table(values []value) string {
	var b strings.Builder
	b.WriteString("| value | default | meaning |\n| --- | --- | --- |\n")
	for _, v := range values {
		fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", v.path, v.text, strings.ReplaceAll(v.description, "|", `\|`))
	}
	return b.String()
}
