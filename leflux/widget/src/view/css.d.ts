// The build and vitest resolve such an import to the minified text of the file.
declare module "*.css?inline" {
  const text: string;
  export default text;
}
