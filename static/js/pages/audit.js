import { followList } from "../shared/list.js";

followList();
