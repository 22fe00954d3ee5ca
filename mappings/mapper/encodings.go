package mapper

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"
)

func encodingFunctions() []*Function {
	return group("Encodings",
		textFunction("sha256", "The SHA-256 of a text, in small hex.", func(s string) string {
			sum := sha256.Sum256([]byte(s))
			return hex.EncodeToString(sum[:])
		}, gives(`sha256("abc")`, `"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"`)),
		textFunction("base64", "A text in standard base64.", func(s string) string {
			return base64.StdEncoding.EncodeToString([]byte(s))
		}, gives(`base64("张")`, `"5byg"`)),
		&Function{Name: "base64_decode", Params: params(arg("text")), Result: "text",
			Text: "Reads standard base64 that holds UTF-8 text.",
			call: func(_ *frame, args []any) (any, error) {
				s, err := textArg(args[0])
				if err != nil {
					return nil, err
				}
				raw, err := base64.StdEncoding.DecodeString(s)
				if err != nil || !utf8.Valid(raw) {
					return nil, wrong("", "the text is not base64, or what it holds is not UTF-8 text")
				}
				return string(raw), nil
			},
			Examples: examples(gives(`base64_decode("5byg")`, `"张"`), fails(`base64_decode("%")`, CodeValue))},
		&Function{Name: "from_json", Params: params(arg("text")),
			Text:     "Reads JSON that a vendor put into a text field; numbers keep their digits.",
			call:     fromJSON,
			Examples: examples(gives(`from_json("{\"id\":9007199254740993}").id`, `9007199254740993`), gives(`from_json("")`, `null`), fails(`from_json("{")`, CodeValue))},
		&Function{Name: "to_json", Params: params(arg("value")), Result: "text", nulls: true,
			Text:     "Writes a value as JSON text, fields in order, for targets that want JSON in a text field.",
			call:     toJSON,
			Examples: examples(gives(`to_json({"b": 1, "a": "<x>"})`, `"{\"a\":\"<x>\",\"b\":1}"`))},
	)
}

func fromJSON(f *frame, args []any) (any, error) {
	s, err := textArg(args[0])
	if err != nil || s == "" {
		return nil, err
	}
	if len(s) > maxTextBytes {
		return nil, &fault{code: CodeLimit, text: "the JSON is too long"}
	}
	if err := f.charge(len(s) / 16); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader([]byte(s)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, wrong("", "the text is not JSON")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, wrong("", "the text goes on after the JSON")
	}
	return v, nil
}

func toJSON(f *frame, args []any) (any, error) {
	var o output
	v, err := o.copy(args[0], 0)
	if err != nil {
		return nil, err
	}
	if o.bytes > maxTextBytes {
		return nil, &fault{code: CodeLimit, text: "to_json builds a text that is too long"}
	}
	if err := f.charge(o.nodes); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, wrong("", "the value has no JSON form")
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}
