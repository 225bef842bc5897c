package view

import (
	"io"
	"slices"
	"strings"
)

// node is a line of a tree with the lines below it.
type node struct {
	// head is the start of the text, in its style; text follows it after a space.
	head  string
	style style
	text  string
	// isNote says that the node has no branch of its own: it goes on with the text of its parent.
	isNote   bool
	children []*node
}

// add appends a child and returns it.
func (n *node) add(s style, head, text string) *node {
	child := &node{head: head, style: s, text: text}
	n.children = append(n.children, child)
	return child
}

// note appends text below the node.
func (n *node) note(text string) {
	if text != "" {
		n.children = append(n.children, &node{text: text, isNote: true})
	}
}

// write writes a node. first is the prefix of its first line, rest that of all others.
func (n *node) write(w *strings.Builder, o Options, first, rest string) {
	hasBranches := false
	for _, c := range n.children {
		hasBranches = hasBranches || !c.isNote
	}
	text := strings.TrimSpace(n.head + " " + n.text)
	// A continuation is indented below the text, and goes on with the branch of the children.
	continuation := rest
	if hasBranches {
		continuation += "│ "
	} else {
		continuation += "  "
	}
	for k, line := range wrap(text, max(o.width()-columns(continuation), 20)) {
		prefix := continuation
		if k == 0 {
			prefix = first
			if strings.HasPrefix(line, n.head) {
				line = o.paint(n.style, n.head) + line[len(n.head):]
			}
		}
		w.WriteString(strings.TrimRight(prefix+line, " ") + "\n")
	}
	for k, c := range n.children {
		if c.isNote {
			if !slices.ContainsFunc(n.children[k:], func(later *node) bool { return !later.isNote }) && hasBranches {
				continuation = rest // after the last branch
			}
			for _, line := range wrap(c.text, max(o.width()-columns(continuation), 20)) {
				w.WriteString(strings.TrimRight(continuation+o.paint(dim, line), " ") + "\n")
			}
			continue
		}
		isLast := true
		for _, later := range n.children[k+1:] {
			isLast = isLast && later.isNote
		}
		if isLast {
			c.write(w, o, rest+"└─ ", rest+"   ")
		} else {
			c.write(w, o, rest+"├─ ", rest+"│  ")
		}
	}
}

// writeTree writes a tree.
func writeTree(w io.Writer, root *node, o Options) error {
	var b strings.Builder
	root.write(&b, o, "", "")
	_, err := io.WriteString(w, b.String())
	return err
}
