// Package editor is the text editor that the hub's pages share: a textarea with line
// numbers, and marks behind the lines that something is wrong with.
package editor

import _ "embed"

// Script is a module; attach makes an editor of a textarea.
//
//go:embed editor.js
var Script []byte

// Style is its looks, in the colours of the page it stands on.
//
//go:embed editor.css
var Style []byte
