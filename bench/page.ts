// What the charts have in common: a page that reads well on light and dark, with a title.

/** Colours of light, and the same again for dark pages; a chart adds its own marks to both. */
const styleOf = (light: string, dark: string): string => `
  .page { fill: #ffffff }
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 15px }
  .quiet { fill: #59636e; font-size: 12px }
  .grid { stroke: #d1d9e0 }${light}
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 }
    text { fill: #f0f6fc }
    .quiet { fill: #9198a1 }
    .grid { stroke: #3d444d }${dark}
  }
`;

export interface Page {
  readonly width: number;
  readonly height: number;
  readonly title: string;
  /** CSS rules of the chart's own marks. */
  readonly light: string;
  readonly dark: string;
}

export const escaped = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;');

/** An SVG document. @param marks elements, in the order in which they are drawn. */
export const page = ({ width, height, title, light, dark }: Page, marks: readonly string[]): string =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>${styleOf(light, dark)}</style>`,
    `<rect class="page" width="${width}" height="${height}" rx="6"/>`,
    `<text class="title" x="16" y="26">${escaped(title)}</text>`,
    ...marks,
    '</svg>\n',
  ].join('\n');
