package app

import (
	"strings"

	"github.com/spf13/cobra"
)

// The annotations have the wrapped texts of a command for the template of the help: its usage, and its short text in the list of commands.
const usageLineAnnotation, shortTextAnnotation = "usage-line", "short-text"

// wrapOneLiners wraps the usage and the short text of all commands to outputWidth, in annotations for the template of the help.
func wrapOneLiners(root *cobra.Command) {
	for _, c := range allCommands(root) {
		if c.Annotations == nil {
			c.Annotations = map[string]string{}
		}
		c.Annotations[usageLineAnnotation] = indentWrapped(c.UseLine(), "    ")
		// The template indents a command by two and separates its name from the text by one.
		c.Annotations[shortTextAnnotation] = indentWrapped(c.Short, strings.Repeat(" ", 2+c.NamePadding()+1))
	}
}
