// The build and vitest both turn such an import into the minified text of the file.
declare module "*.css?inline" {
  const text: string;
  export default text;
}
