package filedrop

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"

	"github.com/xuri/excelize/v2"
)

// The bounds of a workbook: it is a zip, and a small zip can unpack to anything.
const (
	maxWorkbook  = 64 << 20  // bytes as stored; held in memory
	maxUnpacked  = 512 << 20 // bytes of all parts; sheets beyond 16 MiB go to a temporary file
	maxInMemory  = 16 << 20
	maxParts     = 10_000
	maxPartRatio = 500 // unpacked to packed, for parts beyond 16 MiB
)

// openWorkbook reads a workbook into memory and holds it against the bounds.
func openWorkbook(f io.Reader) (*excelize.File, error) {
	raw, err := io.ReadAll(io.LimitReader(f, maxWorkbook+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxWorkbook {
		return nil, &fatal{text: fmt.Sprintf("the workbook has more than %d MiB; export it as CSV", maxWorkbook>>20)}
	}
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		text := "this is no .xlsx workbook"
		if bytes.HasPrefix(raw, []byte{0xD0, 0xCF, 0x11, 0xE0}) {
			text = "this is an old .xls or an encrypted workbook; save it as .xlsx without a password"
		}
		return nil, &fatal{text: text}
	}
	if len(z.File) > maxParts {
		return nil, &fatal{text: fmt.Sprintf("the workbook has %d parts, at most %d are read", len(z.File), maxParts)}
	}
	total := uint64(0)
	for _, p := range z.File {
		total += p.UncompressedSize64
		bomb := p.UncompressedSize64 > maxInMemory && p.UncompressedSize64/max(1, p.CompressedSize64) > maxPartRatio
		if total > maxUnpacked || p.UncompressedSize64 > maxUnpacked || bomb {
			return nil, &fatal{text: fmt.Sprintf("the workbook unpacks to more than %d MiB or is a zip bomb; export it as CSV", maxUnpacked>>20)}
		}
	}
	book, err := excelize.OpenReader(bytes.NewReader(raw), excelize.Options{UnzipSizeLimit: maxUnpacked, UnzipXMLSizeLimit: maxInMemory})
	if err != nil {
		return nil, &fatal{text: "the workbook cannot be read: " + err.Error()}
	}
	return book, nil
}
