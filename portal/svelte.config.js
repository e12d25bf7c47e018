export default {
  compilerOptions: {
    runes: true,
    // Trees instead of markup: nothing is parsed from a text, as Trusted Types ask.
    fragments: 'tree',
    // The same for the pages that are made at build time as in the browser.
    cssHash: ({ hash, css }) => `s-${hash(css)}`,
  },
};
