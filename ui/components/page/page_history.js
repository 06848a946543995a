// A Streamlit component without a picture, on every page: what Back and Forward do.
import { keepOneEntryAPage } from '../shared/history.js';

export default keepOneEntryAPage;
