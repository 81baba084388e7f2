package demo

import (
	"image/color"
	"math"
	"os"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/parley-sip/parley/internal/conftest"
)

const (
	pictureWidth = 16 * vg.Inch
	rowHeight    = 1.1 * vg.Inch
	columns      = 1600 // points of the envelope
)

// draw makes a picture of the recorded files, one below the other on one time line, with the scenes as bands.
func (p *play) draw(file string, files []recorded) error {
	rows := make([][]*plot.Plot, len(files))
	begin, end := p.scenes[0].from-1, p.scenes[len(p.scenes)-1].to+1
	for i, f := range files {
		row, err := p.drawRow(f, begin, end)
		if err != nil {
			return err
		}
		if i == 0 {
			row.Title.Text = "What the recorder holds; bands are the scenes, grey is the pause"
			if err := p.nameScenes(row); err != nil {
				return err
			}
		}
		if i == len(files)-1 {
			row.X.Label.Text = "seconds"
		}
		rows[i] = []*plot.Plot{row}
	}
	canvas := vgimg.New(pictureWidth, rowHeight*vg.Length(len(files)+1))
	tiles := draw.Tiles{Rows: len(files), Cols: 1, PadY: vg.Points(4), PadTop: vg.Points(6), PadBottom: vg.Points(6), PadLeft: vg.Points(6), PadRight: vg.Points(12)} //nolint:mnd // margins
	for i, c := range plot.Align(rows, tiles, draw.New(canvas)) {
		rows[i][0].Draw(c[0])
	}
	out, err := os.Create(file) //nolint:gosec // the caller's folder
	if err != nil {
		return err
	}
	if _, err := (vgimg.PngCanvas{Canvas: canvas}).WriteTo(out); err != nil {
		return err
	}
	return out.Close()
}

func (p *play) drawRow(f recorded, begin, end float64) (*plot.Plot, error) {
	row := plot.New()
	row.X.Min, row.X.Max, row.Y.Min, row.Y.Max = begin, end, -1, 1
	row.Y.Tick.Marker = plot.ConstantTicks(nil)
	row.X.Tick.Marker = seconds{}
	row.Y.Label.Text = f.who
	if f.mixed {
		row.Y.Label.Text = "mixed"
	}
	for i, s := range p.scenes {
		shade := color.RGBA{R: 0xE8, G: 0xF1, B: 0xFB, A: 0xFF}
		if i%2 == 1 {
			shade = color.RGBA{R: 0xF6, G: 0xF8, B: 0xFA, A: 0xFF}
		}
		if s.paused {
			shade = color.RGBA{R: 0xC8, G: 0xC8, B: 0xC8, A: 0xFF}
		}
		band, err := plotter.NewPolygon(plotter.XYs{{X: s.from, Y: -1}, {X: s.to, Y: -1}, {X: s.to, Y: 1}, {X: s.from, Y: 1}})
		if err != nil {
			return nil, err
		}
		band.Color, band.Width = shade, 0
		row.Add(band)
	}
	wave, err := plotter.NewPolygon(envelope(f, begin, end))
	if err != nil {
		return nil, err
	}
	wave.Color = color.RGBA{R: 0x05, G: 0x50, B: 0xAE, A: 0xFF}
	wave.LineStyle = draw.LineStyle{Color: wave.Color, Width: vg.Points(0.5)} //nolint:mnd // a hairline keeps silence visible
	row.Add(wave)
	return row, nil
}

// seconds marks every second and names every fifth.
type seconds struct{}

// Ticks implements plot.Ticker.
func (seconds) Ticks(from, to float64) []plot.Tick {
	var ticks []plot.Tick
	for at := math.Ceil(from); at <= to; at++ {
		tick := plot.Tick{Value: at}
		if int(at)%5 == 0 {
			tick.Label = strconv.Itoa(int(at))
		}
		ticks = append(ticks, tick)
	}
	return ticks
}

// envelope is the outline of the file between two times.
func envelope(f recorded, begin, end float64) plotter.XYs {
	outline := make(plotter.XYs, 2*columns) // there along the upper edge, back along the lower one
	step := (end - begin) / columns
	const loud = 1.6 // so that speech fills the row
	for i := range columns {
		at := begin + float64(i)*step
		high, low := 0.0, 0.0
		for _, s := range conftest.Window(f.samples, at-f.shift, at+step-f.shift) {
			high, low = max(high, s), min(low, s)
		}
		outline[i] = plotter.XY{X: at, Y: min(1, high*loud)}
		outline[2*columns-1-i] = plotter.XY{X: at, Y: max(-1, low*loud)}
	}
	return outline
}

func (p *play) nameScenes(row *plot.Plot) error {
	var at plotter.XYLabels
	for _, s := range p.scenes {
		at.XYs = append(at.XYs, plotter.XY{X: s.from, Y: 0.8}) //nolint:mnd // near the top
		at.Labels = append(at.Labels, " "+s.title)
	}
	labels, err := plotter.NewLabels(at)
	if err != nil {
		return err
	}
	for i := range labels.TextStyle {
		labels.TextStyle[i] = text.Style{Font: labels.TextStyle[i].Font, Handler: labels.TextStyle[i].Handler, Color: color.Black}
		labels.TextStyle[i].Font.Size = vg.Points(8) //nolint:mnd // small
	}
	row.Add(labels)
	return nil
}
