package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileHeight   = 8
	bundleWidth  = 1 << tileHeight
	lengthPrefix = 2
)

// tilePath maps a tile to its file. Source: C2SP tlog-tiles.
func tilePath(level string, index int64, width int) string {
	groups := fmt.Sprintf("%03d", index%1000)
	for index >= 1000 {
		index /= 1000
		groups = fmt.Sprintf("x%03d/%s", index%1000, groups)
	}
	if width < bundleWidth {
		groups = fmt.Sprintf("%s.p/%d", groups, width)
	}
	return filepath.Join("tile", level, filepath.FromSlash(groups))
}

// auditLog rebuilds the tree from the entries and compares root and tiles with what is published.
func auditLog(folder, keys string) (string, error) {
	tree, hashes, err := rebuilt(folder, keys)
	if err != nil {
		return "", err
	}
	for _, tile := range tlog.NewTiles(tileHeight, 0, tree.N) {
		want, err := tlog.ReadTileData(tile, hashes)
		if err != nil {
			return "", err
		}
		path := tilePath(strconv.Itoa(tile.L), tile.N, tile.W)
		got, err := os.ReadFile(filepath.Join(folder, path))
		if err != nil || !bytes.Equal(got, want) {
			return "", fmt.Errorf("%s: differs from the entries", filepath.ToSlash(path))
		}
	}
	return fmt.Sprintf("%d entries, root %s", tree.N, tree.Hash), nil
}

// auditExtension proves that the log as published extends an older checkpoint.
func auditExtension(folder, older, keys string) (string, error) {
	tree, hashes, err := rebuilt(folder, keys)
	if err != nil {
		return "", err
	}
	verifiers, err := readKeys(keys)
	if err != nil {
		return "", err
	}
	signed, err := os.ReadFile(older)
	if err != nil {
		return "", errors.New("older checkpoint: unreadable")
	}
	old, err := openHead(signed, verifiers)
	if err != nil {
		return "", err
	}
	if old.N > tree.N {
		return "", errors.New("the log is smaller than the older checkpoint")
	}
	if old.N == 0 {
		return fmt.Sprintf("%d entries extend none", tree.N), nil
	}
	proof, err := tlog.ProveTree(tree.N, old.N, hashes)
	if err != nil {
		return "", err
	}
	if err := tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash); err != nil {
		return "", errors.New("the log does not extend the older checkpoint")
	}
	return fmt.Sprintf("%d entries extend %d", tree.N, old.N), nil
}

// rebuilt reads all entries and returns the signed tree and the hashes that the entries give.
func rebuilt(folder, keys string) (tlog.Tree, tlog.HashReader, error) {
	verifiers, err := readKeys(keys)
	if err != nil {
		return tlog.Tree{}, nil, err
	}
	signed, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	if err != nil {
		return tlog.Tree{}, nil, errors.New("checkpoint: unreadable")
	}
	tree, err := openHead(signed, verifiers)
	if err != nil {
		return tlog.Tree{}, nil, err
	}
	hashes, err := hashEntries(folder, tree.N)
	if err != nil {
		return tlog.Tree{}, nil, err
	}
	root, err := tlog.TreeHash(tree.N, hashes)
	if err != nil || root != tree.Hash {
		return tlog.Tree{}, nil, errors.New("checkpoint: the entries have another root")
	}
	return tree, hashes, nil
}

func hashEntries(folder string, size int64) (tlog.HashReader, error) {
	if size > 1<<32 {
		return nil, errors.New("checkpoint: a size beyond reason")
	}
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			found[i] = stored[index]
		}
		return found, nil
	})
	for start := int64(0); start < size; start += bundleWidth {
		width := int(min(bundleWidth, size-start))
		path := tilePath("entries", start/bundleWidth, width)
		entries, err := readBundle(filepath.Join(folder, path), width)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.ToSlash(path), err)
		}
		for i, entry := range entries {
			hashes, err := tlog.StoredHashes(start+int64(i), entry, reader)
			if err != nil {
				return nil, err
			}
			stored = append(stored, hashes...)
		}
	}
	return reader, nil
}

// readBundle splits a bundle into exactly as many entries as it must hold.
func readBundle(path string, count int) ([][]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, errors.New("unreadable")
	}
	var entries [][]byte
	for len(data) > 0 {
		if len(data) < lengthPrefix {
			return nil, errors.New("cut short")
		}
		length := int(binary.BigEndian.Uint16(data))
		data = data[lengthPrefix:]
		if len(data) < length {
			return nil, errors.New("cut short")
		}
		entries, data = append(entries, data[:length]), data[length:]
	}
	if len(entries) != count {
		return nil, errors.New("another number of entries")
	}
	return entries, nil
}

// auditProof checks one entry by its tlog-proof. Source: C2SP tlog-proof.
func auditProof(entryPath, proofPath, keys string) (string, error) {
	verifiers, err := readKeys(keys)
	if err != nil {
		return "", err
	}
	entry, err := os.ReadFile(entryPath)
	if err != nil {
		return "", errors.New("entry: unreadable")
	}
	text, err := os.ReadFile(proofPath)
	if err != nil {
		return "", errors.New("proof: unreadable")
	}
	index, hashes, signed, err := readProof(string(text))
	if err != nil {
		return "", fmt.Errorf("proof: %w", err)
	}
	tree, err := openHead([]byte(signed), verifiers)
	if err != nil {
		return "", err
	}
	if index < 0 || index >= tree.N {
		return "", errors.New("proof: index outside of the tree")
	}
	if tlog.CheckRecord(hashes, tree.N, tree.Hash, index, tlog.RecordHash(entry)) != nil {
		return "", errors.New("proof: does not lead from the entry to the root")
	}
	return fmt.Sprintf("entry %d of %d", index, tree.N), nil
}

func readProof(text string) (int64, tlog.RecordProof, string, error) {
	head, signed, found := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	if !found || lines[0] != "c2sp.org/tlog-proof@v1" {
		return 0, nil, "", errors.New("not a tlog-proof")
	}
	lines = lines[1:]
	if len(lines) > 0 && strings.HasPrefix(lines[0], "extra ") {
		lines = lines[1:]
	}
	if len(lines) == 0 || !strings.HasPrefix(lines[0], "index ") {
		return 0, nil, "", errors.New("no index")
	}
	index, err := strconv.ParseInt(lines[0][len("index "):], 10, 64)
	if err != nil {
		return 0, nil, "", errors.New("not an index")
	}
	var hashes tlog.RecordProof
	for _, line := range lines[1:] {
		raw, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(raw) != tlog.HashSize {
			return 0, nil, "", errors.New("not a hash")
		}
		hashes = append(hashes, tlog.Hash(raw))
	}
	return index, hashes, signed, nil
}
