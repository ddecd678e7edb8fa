// QR codes: a file of its own, loaded when somebody wants to see one.
export { encode } from "uqr";
